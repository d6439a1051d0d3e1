/**
 * Kernels on matrix units, spelled out for adapters without: every invocation of a subgroup holds all sums and makes them itself, in f32. Factors are read from memory
 * when they are multiplied, not when they are loaded: a kernel must not overwrite them in between.
 */
import type { GpuDevice } from '../../../src/gpu/gpuDevice.ts'
import { EDGE } from '../../../src/tensor/ops/matrixMlpTile.ts'

/** A device whose kernels are spelled out. @param lanes invocations of a subgroup */
export function spelledOut(gpu: GpuDevice, lanes: number): GpuDevice {
  const rewrite = (code: string): string => (code.includes('subgroup_matrix') ? spell(code, lanes) : code)
  return { ...gpu, program: dispatches => gpu.program(dispatches.map(d => ({ ...d, code: rewrite(d.code) }))) }
}

function spell(code: string, lanes: number): string {
  const arrays: string[] = []
  const numberOf = (array: string): number => {
    if (!arrays.includes(array)) arrays.push(array)
    return arrays.indexOf(array)
  }
  const stored = new Set<string>()
  const body = code
    .replaceAll(/^(enable|diagnostic|alias|fn multiply).*$/gm, '')
    .replaceAll(/f32\(packed\[([^\]]+)\]\)/g, 'halfOf($1)')
    .replaceAll('array<f16>', 'array<u32>')
    .replaceAll('array<f16,', 'array<f32,')
    .replaceAll(/\bf16\(/g, 'f32(')
    .replaceAll(
      /subgroupMatrixLoad<\w+, (row|col)_major>\(&(\w+), ([^,]+), (\d+)u\)/g,
      (_, major: string, array: string, at: string, stride: string) =>
        major === 'row' ? `Factor(${numberOf(array)}u, ${at}, ${stride}u, 1u)` : `Factor(${numberOf(array)}u, ${at}, 1u, ${stride}u)`,
    )
    .replaceAll(/(\w+) = multiply\((.*), \1\);/g, 'multiply($2, &$1);')
    .replaceAll(
      /subgroupMatrixStore<row_major>\(&(\w+), ([^,]+), ([^,]+), (\d+)u\);/g,
      (_, array: string, at: string, sum: string, stride: string) => {
        stored.add(array)
        return `store_${array}(${at}, &${sum}, ${stride}u);`
      },
    )
    .replace(/, @builtin\(subgroup_id\) sub: u32\) \{/, `) {\n  let sub = index / ${lanes}u;`)
  const cases = arrays.map((array, i) => `    case ${i}u: { return ${array === 'packed' ? 'halfOf(at)' : `${array}[at]`}; }`)
  const stores = [...stored].map(
    array => `fn store_${array}(at: u32, sum: ptr<function, Sum>, stride: u32) {
  for (var i = 0u; i < ${EDGE * EDGE}u; i++) { ${array}[at + i / ${EDGE}u * stride + i % ${EDGE}u] = (*sum)[i]; }
}
`,
  )
  return `struct Factor { array: u32, at: u32, down: u32, across: u32 }
alias Sum = array<f32, ${EDGE * EDGE}>;
${body}
fn halfOf(at: u32) -> f32 { return unpack2x16float(packed[at / 2u])[at % 2u]; }
fn element(factor: Factor, r: u32, c: u32) -> f32 {
  let at = factor.at + r * factor.down + c * factor.across;
  switch factor.array {
${cases.join('\n')}
    default: { return 0.0; }
  }
}
fn multiply(left: Factor, right: Factor, sum: ptr<function, Sum>) {
  for (var i = 0u; i < ${EDGE * EDGE}u; i++) {
    for (var k = 0u; k < ${EDGE}u; k++) { (*sum)[i] += element(left, i / ${EDGE}u, k) * element(right, k, i % ${EDGE}u); }
  }
}
${stores.join('')}`
}
