/** WebGPU's bit flags by value: Node has no globals for them, and a library should not make any. */
export const STORAGE = 0x80
export const COPY_SRC = 0x4
export const COPY_DST = 0x8
export const MAP_READ = 0x1
export const QUERY_RESOLVE = 0x200
/** GPUMapMode.READ */
export const MODE_READ = 0x1
export const UNIFORM = 0x40
/** GPUShaderStage.FRAGMENT */
export const FRAGMENT = 0x2
/** GPUShaderStage.COMPUTE */
export const COMPUTE = 0x4
