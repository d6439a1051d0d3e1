/**
 * Every kernel's arguments in order: `name:ptr` a byte address (`{ ptr: 0 }` or `{ i32: 0 }` where the name ends in `?` and there is none), `:i32`, `:f32`.
 * What `items` counts is in the comment. All tensors are f32, row-major, unless said otherwise.
 */
export const KERNEL_SIGNATURES = {
  // items: rows. y = activation(x W + b); x [rows, nIn], W [nIn, nOut]; activation 0 none, 1 relu, 2 softplus, 3 sigmoid. Grains of 64 rows or more.
  denseForward: 'x:ptr W:ptr b?:ptr y:ptr nIn:i32 nOut:i32 activation:i32',
  // items: rows. dx = dz W^T and, per chunk of `grain` rows, partial [chunk][nIn * nOut + nOut]: dW = x^T dz, then db.
  denseBackward: 'x:ptr W:ptr y:ptr dy:ptr dx?:ptr partial?:ptr nIn:i32 nOut:i32 activation:i32 grain:i32',
  // items: elements. out[i] = sum over chunks in order of partial[chunk * stride + offset + i].
  reducePartials: 'partial:ptr out:ptr chunks:i32 stride:i32 offset:i32',
  // items: elements. scalars: learning rate, beta1, beta2, epsilon, 1 - beta1^t, 1 - beta2^t, gradient scale.
  adam: 'param:ptr grad:ptr m:ptr v:ptr scalars:ptr',
  // items: rows (sequence, head, token), the token running fastest. q, k, v, y [sequences * tokens, heads * size]; p, ds [rows, tokens] scratch.
  attentionForward: 'q:ptr k:ptr v:ptr y:ptr p:ptr tokens:i32 heads:i32 size:i32 causal:i32',
  attentionBackwardQuery: 'q:ptr k:ptr v:ptr dy:ptr dq:ptr p:ptr ds:ptr tokens:i32 heads:i32 size:i32 causal:i32',
  attentionBackwardKey: 'q:ptr dy:ptr p:ptr ds:ptr dk:ptr dv:ptr tokens:i32 heads:i32 size:i32 causal:i32',
} as const

export type KernelName = keyof typeof KERNEL_SIGNATURES

export interface Parameter {
  name: string
  type: 'ptr' | 'i32' | 'f32'
  optional: boolean
}

/** The kernel's parameters; throws on an unknown name. */
export function kernelParameters(kernel: string): Parameter[] {
  const signature = (KERNEL_SIGNATURES as Record<string, string>)[kernel]
  if (signature === undefined) throw new Error(`cpu: no kernel named "${kernel}"; known: ${Object.keys(KERNEL_SIGNATURES).join(', ')}`)
  return signature.split(' ').map(part => {
    const [label = '', type] = part.split(':')
    return { name: label.replace('?', ''), type: type as Parameter['type'], optional: label.endsWith('?') }
  })
}
