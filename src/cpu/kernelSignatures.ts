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
  // items: elements of a group, from `offset`. scalars, 7 per group: learning rate, beta1, beta2, epsilon, 1 - beta1^t, 1 - beta2^t, gradient scale.
  adam: 'param:ptr grad:ptr m:ptr v:ptr scalars:ptr offset:i32 group:i32',
  // items: rows (sequence, head, token), the token running fastest. q, k, v, y [sequences * tokens, heads * size]; p, ds [rows, tokens] scratch.
  attentionForward: 'q:ptr k:ptr v:ptr y:ptr p:ptr tokens:i32 heads:i32 size:i32 causal:i32',
  attentionBackwardQuery: 'q:ptr k:ptr v:ptr dy:ptr dq:ptr p:ptr ds:ptr tokens:i32 heads:i32 size:i32 causal:i32',
  attentionBackwardKey: 'q:ptr dy:ptr p:ptr ds:ptr dk:ptr dv:ptr tokens:i32 heads:i32 size:i32 causal:i32',
  // items: rows. y [rows, bands, 2, channels]: window[k] sin(2^k x), then window[k] sin(2^k x + pi / 2), for k from minBand; |2^k x| up to 12,800.
  frequencyEncoding: 'x:ptr window?:ptr y:ptr channels:i32 minBand:i32 bands:i32',
  frequencyEncodingBackward: 'x:ptr window?:ptr dy:ptr dx:ptr channels:i32 minBand:i32 bands:i32',
  // items: rows. x [rows, 3] in [lo, lo + extent], clamped; tables [levels][2^log2Entries][features]; resolutions u32 [levels], each >= 1; y [rows, levels * features].
  hashEncoding: 'x:ptr tables:ptr y:ptr resolutions:ptr levels:i32 log2Entries:i32 features:i32 lo:f32 invExtent:f32',
  // items: levels, grain 1. n rows; dTables is zero-filled first.
  hashEncodingBackwardTables: 'x:ptr dy:ptr dTables:ptr resolutions:ptr n:i32 levels:i32 log2Entries:i32 features:i32 lo:f32 invExtent:f32',
  // items: rows.
  hashEncodingBackwardInput: 'x:ptr tables:ptr dy:ptr dx:ptr resolutions:ptr levels:i32 log2Entries:i32 features:i32 lo:f32 invExtent:f32',
  // items: elements.
  fill: 'out:ptr value:f32',
  // items: rows. Strides and offsets in floats.
  copyColumns: 'src:ptr dst:ptr srcStride:i32 srcOffset:i32 dstStride:i32 dstOffset:i32 width:i32',
  // items: rows of dst = src rows * times; and its gradient: items = rows of dst = src rows / times.
  repeatRows: 'src:ptr dst:ptr width:i32 times:i32',
  sumRowGroups: 'src:ptr dst:ptr width:i32 times:i32',
  // items: elements.
  addTensors: 'a:ptr b:ptr y:ptr',
  mulTensors: 'a:ptr b:ptr y:ptr',
  scaleTensor: 'a:ptr y:ptr s:f32',
  quickGelu: 'x:ptr y:ptr',
  quickGeluBackward: 'x:ptr dy:ptr dx:ptr',
  gelu: 'x:ptr y:ptr',
  geluBackward: 'x:ptr dy:ptr dx:ptr',
  geluTanh: 'x:ptr y:ptr',
  geluTanhBackward: 'x:ptr dy:ptr dx:ptr',
  // items: rows.
  layerNorm: 'x:ptr gamma:ptr beta:ptr y:ptr width:i32 eps:f32',
  layerNormBackwardInput: 'x:ptr gamma:ptr dy:ptr dx:ptr width:i32 eps:f32',
  softmaxRows: 'x:ptr y:ptr width:i32',
  softmaxRowsBackward: 'y:ptr dy:ptr dx:ptr width:i32',
  // items: points [Q, 3].
  se3Transform: 'w:ptr v:ptr x:ptr y:ptr',
  se3TransformBackward: 'w:ptr v:ptr x:ptr dy:ptr dw?:ptr dv?:ptr dx?:ptr',
  contract: 'x:ptr y:ptr',
  contractBackward: 'x:ptr dy:ptr dx:ptr',
  // items: rays. origins, directions [rays, 3], z [rays, samples], points [rays, samples, 3].
  rayPoints: 'origins:ptr directions:ptr z:ptr points:ptr samples:i32',
  // items: rays. sigma >= 0, z, weights [rays, samples], norm [rays]; last: length of the last interval. At most 16,384 samples.
  rayWeights: 'sigma:ptr z:ptr norm?:ptr weights:ptr samples:i32 last:f32',
  rayWeightsBackward: 'sigma:ptr z:ptr dy:ptr norm?:ptr dsigma:ptr samples:i32 last:f32',
  // items: rays. weights [rays, samples], values [rays, samples, channels], y [rays, channels].
  sumSamples: 'weights:ptr values:ptr y:ptr samples:i32 channels:i32',
  sumSamplesBackward: 'weights:ptr values:ptr dy:ptr dweights?:ptr dvalues?:ptr samples:i32 channels:i32',
  // items: rays. origins, directions [rays, 3], u, z [rays, samples], grid [resolution^3]. At most 16,384 bins.
  gridSamples: 'origins:ptr directions:ptr u:ptr grid:ptr z:ptr starts:ptr samples:i32 bins:i32 resolution:i32 near:f32 far:f32 uniformShare:f32',
  // items: rays. origins, directions, color [rays, 3]; scale [2]; index u32 [(resolution / 8)^3]; voxels u32; depth, accumulation [rays].
  brickMarch:
    'origins:ptr directions:ptr scale:ptr index:ptr voxels:ptr color:ptr depth:ptr accumulation:ptr resolution:i32 near:f32 far:f32 step:f32 leastLight:f32',
  // items: points. largest u32 [resolution^3], zero-filled first: 1 + the bits of each cell's largest sigma.
  gridScatter: 'points:ptr sigma:ptr largest:ptr resolution:i32',
  // items: outer * count. x [outer, from, inner] -> y [outer, count, inner], outputs offset ... of `to`; parts: distances per filter unit; filter 0 triangle, 1 bicubic.
  resizeAxis: 'x:ptr y:ptr inner:i32 from:i32 to:i32 offset:i32 count:i32 parts:i32 filter:i32',
  // items: outer * from.
  resizeAxisBackward: 'dy:ptr dx:ptr inner:i32 from:i32 to:i32 offset:i32 count:i32 parts:i32 filter:i32',
  // items: cells.
  gridMerge: 'largest:ptr grid:ptr decay:f32 fade:f32',
} as const

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
