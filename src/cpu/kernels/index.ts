// Entry of the WebAssembly module: everything exported here is callable from the host; kernels have the signature (args, begin, end).

export { adam } from './adam'
export { attentionBackwardKey, attentionBackwardQuery, attentionForward } from './attention'
export { denseBackward, denseForward, reducePartials } from './dense'
export { addTensors, gelu, geluBackward, mulTensors, quickGelu, quickGeluBackward, scaleTensor } from './elementwise'
export { frequencyEncoding, frequencyEncodingBackward } from './frequencyEncoding'
export { hashEncoding, hashEncodingBackwardInput, hashEncodingBackwardTables } from './hashEncoding'
export { setScratch } from './layout'
export { layerNorm, layerNormBackwardInput, softmaxRows, softmaxRowsBackward } from './normalize'
export { fail, runSegment, serve, stop } from './pool'
export { copyColumns, fill, repeatRows, sumRowGroups } from './rows'
