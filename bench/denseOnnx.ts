/** A two-matrix ONNX model written by hand, so that the peer in dense.bench.ts needs no converter. */

/** onnx.proto: y = Gemm(a, b) with optional transposes, one node per product; all tensors are inputs, so that nothing is folded. */
export interface Product {
  name: string
  a: string
  b: string
  transA: boolean
  transB: boolean
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)])
const field = (id: number, bytes: number[]): number[] => [...varint((id << 3) | 2), ...varint(bytes.length), ...bytes]
const number = (id: number, value: number): number[] => [...varint(id << 3), ...varint(value)]
const text = (id: number, value: string): number[] => field(id, [...new TextEncoder().encode(value)])

/** AttributeProto of type INT (2). */
const attribute = (name: string, value: number): number[] => field(5, [...text(1, name), ...number(3, value), ...number(20, 2)])

/** ValueInfoProto: a float matrix. */
function matrix(name: string, [rows, columns]: readonly [number, number]): number[] {
  const shape = [rows, columns].flatMap(size => field(1, number(1, size)))
  return [...text(1, name), ...field(2, field(1, [...number(1, 1), ...field(2, shape)]))]
}

/** ModelProto bytes, opset 13. Shapes name every input and every product. */
export function gemmModel(inputs: string[], products: Product[], shapes: Record<string, readonly [number, number]>): Uint8Array {
  const nodes = products.flatMap(({ name, a, b, transA, transB }) =>
    field(1, [
      ...text(1, a),
      ...text(1, b),
      ...text(2, name),
      ...text(4, 'Gemm'),
      ...attribute('transA', Number(transA)),
      ...attribute('transB', Number(transB)),
    ]),
  )
  const graph = [
    ...nodes,
    ...text(2, 'dense'),
    ...inputs.flatMap(name => field(11, matrix(name, shapes[name]))),
    ...products.flatMap(({ name }) => field(12, matrix(name, shapes[name]))),
  ]
  return Uint8Array.from([...number(1, 8), ...field(7, graph), ...field(8, number(2, 13))])
}
