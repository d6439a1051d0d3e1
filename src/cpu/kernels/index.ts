// Entry of the WebAssembly module: everything exported here is callable from the host; kernels have the signature (args, begin, end).

export { adam } from './adam'
export { attentionBackwardKey, attentionBackwardQuery, attentionForward } from './attention'
export { denseBackward, denseForward, reducePartials } from './dense'
export { setScratch } from './layout'
export { fail, runSegment, serve, stop } from './pool'
