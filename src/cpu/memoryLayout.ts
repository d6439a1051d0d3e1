/** Addresses in the low, reserved part of the shared memory; the same numbers as in src/cpu/kernels/layout.ts. */
export const PROFILE_WORD = 1408
/** UTF-8 text a worker leaves when its kernel trapped: a length word, then the bytes. */
export const ERROR_TEXT = 2048
export const ERROR_TEXT_BYTES = 1020
/** First address the heap hands out. */
export const HEAP_BASE = 65536
/** Scratch memory of one thread: SCRATCH_DZ + SCRATCH_DZ_BYTES in layout.ts. */
export const SCRATCH_BYTES = 64 + 1024 * 1024
/** Bytes of one step record in a program: kernel, items, grain, args, chunks, unused, f64 milliseconds. */
export const RECORD_BYTES = 32
