// Fixed addresses in the low 64 KiB of the shared memory; src/cpu/memoryLayout.ts names the ones that the host also touches.
// Words that different threads write sit on different cache lines.

export const CLAIM: usize = 1024 // u64
export const DONE: usize = 1088
export const STEP: usize = 1152 // up to 64 bytes: the step now running
export const SLEEPERS: usize = 1216
export const MAIN_CALL: usize = 1280
export const MAIN_SLEEPS: usize = 1284
export const FINISHED: usize = 1344
export const FAILED: usize = 1348
export const STOP: usize = 1352
export const PROFILE: usize = 1408

// Scratch of one thread, relative to the address given to `setScratch`.
/** Zeros that stand in for a missing bias. */
export const SCRATCH_ZERO: usize = 0 // 64 bytes
/** Packed weight panels. */
export const SCRATCH_PACK: usize = 64
export const SCRATCH_PACK_BYTES: usize = 256 * 1024
/** Rows of dz = dy * activation'(y). */
export const SCRATCH_DZ: usize = SCRATCH_PACK + SCRATCH_PACK_BYTES
export const SCRATCH_DZ_BYTES: usize = 768 * 1024

let base: usize = 0

/** Gives this thread's instance its scratch memory: SCRATCH_DZ + SCRATCH_DZ_BYTES bytes, zero-filled. */
export function setScratch(address: usize): void {
  base = address
}

export function scratch(): usize {
  return base
}
