/**
 * Subgroup matrices on adapters without them, or without f16, for tests: kernels are written for subgroups of one lane; a Left or Right is then a place in workgroup
 * memory, a Sum the invocation's own array, and f16 is f32 rounded to it. What is left to trust is how WGSL counts a matrix' rows and columns, which
 * `bench/gemm.ts` checks on a GPU that has them.
 */
import type { GpuDevice, GpuDispatch, MatrixShape } from '../../src/gpu/gpuDevice.ts'

/** The same GPU, which seems to have matrix units of this shape and f16. Disposing of one disposes of both. */
export function withEmulatedMatrices(gpu: GpuDevice, shape: MatrixShape): GpuDevice {
  return {
    ...gpu,
    matrixShapes: [shape],
    program: dispatches => gpu.program(dispatches.map(dispatch => emulated(dispatch, shape))),
    get usedBytes() {
      return gpu.usedBytes
    },
    get peakBytes() {
      return gpu.peakBytes
    },
  }
}

const LOAD = /subgroupMatrixLoad<(Left|Right), (row|col)_major>\(&(\w+), /g
const STORE = /subgroupMatrixStore<row_major>\(&(\w+), ([^,]*), (\w+), /g

function emulated(dispatch: GpuDispatch, { m, n, k }: MatrixShape): GpuDispatch {
  if (!dispatch.code.includes('subgroup_matrix')) return dispatch
  const tiles: string[] = []
  const rooms = new Set<string>()
  const body = dispatch.code
    .replaceAll(/enable [\w ]*;|diagnostic\([^)]*\);|alias (Left|Right|Sum) = .*;|^fn multiply.*$/gm, '')
    .replace('@builtin(subgroup_id) subgroup: u32', '@builtin(local_invocation_id) local: vec3u')
    .replace('let sub = subgroup;', 'let sub = local.x;')
    .replaceAll(LOAD, (_, _type: string, major: string, name: string) => {
      if (!tiles.includes(name)) tiles.push(name)
      return `${major}At(${tiles.indexOf(name)}u, `
    })
    .replaceAll(STORE, (_, name: string, at: string, sum: string) => {
      rooms.add(name)
      return `store_${name}(${at}, &${sum}, `
    })
    .replaceAll(/(\w+) = multiply\((\w+), (\w+), \1\);/g, 'multiplyInto($2, $3, &$1);')
    .replaceAll(/vec4<f16>\(/g, 'quantizeToF16(')
    .replaceAll(/bitcast<vec4<f16>>\(/g, 'halvesOf(')
    .replaceAll('vec4<f16>', 'vec4f')
    .replaceAll('array<f16', 'array<f32')
  const vocabulary = `alias Left = vec4u;
alias Right = vec4u;
alias Sum = array<f32, ${m * n}>;
fn rowAt(tile: u32, at: u32, stride: u32) -> vec4u { return vec4u(tile, at, stride, 1u); }
fn colAt(tile: u32, at: u32, stride: u32) -> vec4u { return vec4u(tile, at, 1u, stride); }
fn halvesOf(v: vec2u) -> vec4f { return vec4f(unpack2x16float(v.x), unpack2x16float(v.y)); }
fn element(x: vec4u, r: u32, c: u32) -> f32 {
  let at = x.y + r * x.z + c * x.w;
${tiles.map((name, i) => `  if (x.x == ${i}u) { return ${name}[at]; }`).join('\n')}
  return 0.0;
}
fn multiplyInto(left: Left, right: Right, sum: ptr<function, Sum>) {
  for (var i = 0u; i < ${m}u; i++) { for (var j = 0u; j < ${n}u; j++) {
    var v = (*sum)[i * ${n}u + j];
    for (var e = 0u; e < ${k}u; e++) { v += element(left, i, e) * element(right, e, j); }
    (*sum)[i * ${n}u + j] = v;
  } }
}
${[...rooms]
  .map(
    name => `fn store_${name}(at: u32, x: ptr<function, Sum>, stride: u32) {
  for (var r = 0u; r < ${m}u; r++) { for (var c = 0u; c < ${n}u; c++) { ${name}[at + r * stride + c] = (*x)[r * ${n}u + c]; } }
}`,
  )
  .join('\n')}`
  return { ...dispatch, code: `${body}\n${vocabulary}` }
}
