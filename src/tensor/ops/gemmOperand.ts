/** A matrix of a product as kernels read it: WGSL for one element or for four side by side in memory, so that packed weights and transposes cost no pass of their own. */
import type { Ref } from '../tensor.ts'
import type { Binding } from './wgsl.ts'

export interface Operand {
  readonly reads: readonly Binding[]
  /** WGSL f32: element i of the memory. */
  readonly one: string
  /** WGSL vec4f: elements 4i to 4i + 3. Only where `stride` is a multiple of 4. */
  readonly four?: string
  /** The same as `four`, as vec4<f16>, where that is how it is stored. */
  readonly half?: string
  /** WGSL functions that the expressions call. */
  readonly functions?: string
  /** Elements from one line of memory to the next. */
  readonly stride: number
  /** Which way lines run: along the inner axis k, or along the outer one (m of A, n of B). */
  readonly along: 'inner' | 'outer'
  /** Takes the other operand's factors back (see Factors), where a matrix unit multiplies; only of lines along the outer axis. */
  readonly balances?: boolean
}

/** A tensor of f32, its lines `stride` long, from its line `first` on. */
export function numbers(name: string, ref: Ref, stride: number, along: Operand['along'], first = 0): Operand {
  const from = first * stride
  const at = from === 0 ? 'i' : `(i + ${from}u)`
  if (stride % 4 !== 0) return { reads: [{ name, ref }], one: `${name}[${at}]`, stride, along }
  const four = from === 0 ? 'i' : `i + ${from / 4}u`
  return { reads: [{ name, ref, element: 'vec4f' }], one: `${name}[${at} >> 2u][${at} & 3u]`, four: `${name}[${four}]`, stride, along }
}

/** Two tensors of f32 that are read as if they lay side by side: lines of `left` and, each behind its like, lines of `right`. */
export function joined([left, right]: readonly [Ref, Ref], widths: readonly [number, number], along: Operand['along']): Operand {
  const stride = widths[0] + widths[1]
  const wide = widths.every(width => width % 4 === 0)
  const element = wide ? 'vec4f' : 'f32'
  const [own, other] = widths.map(width => width / (wide ? 4 : 1))
  const functions = `fn joined(i: u32) -> ${element} {
  let line = i / ${own + other}u;
  let run = i % ${own + other}u;
  if (run < ${own}u) { return left[line * ${own}u + run]; }
  return right[line * ${other}u + run - ${own}u];
}`
  const reads = [
    { name: 'left', ref: left, element },
    { name: 'right', ref: right, element },
  ]
  if (!wide) return { reads, functions, one: 'joined(i)', stride, along }
  return { reads, functions, one: 'joined(i >> 2u)[i & 3u]', four: 'joined(i)', stride, along }
}

/** The operand's numbers, each put through `activate`, a WGSL expression in v. @param functions what the expression calls */
export function activated(operand: Operand, activate: string, functions: string): Operand {
  const own = `${functions}fn activate(v: f32) -> f32 { return ${activate}; }
fn activateFour(v: vec4f) -> vec4f { return vec4f(activate(v.x), activate(v.y), activate(v.z), activate(v.w)); }`
  const four = operand.four && `activateFour(${operand.four})`
  return { ...operand, functions: `${operand.functions ?? ''}${own}`, one: `activate(${operand.one})`, four, half: undefined }
}

/** f16, two to a word, its lines `stride` long, a multiple of 4. For matrix units. */
export function halves(name: string, ref: Ref, stride: number, along: Operand['along']): Operand {
  const four = `vec4f(unpack2x16float(${name}[i].x), unpack2x16float(${name}[i].y))`
  const one = `unpack2x16float(${name}[i >> 2u][(i >> 1u) & 1u])[i & 1u]`
  return { reads: [{ name, ref, element: 'vec2u' }], one, four, half: `bitcast<vec4<f16>>(${name}[i])`, stride, along }
}
