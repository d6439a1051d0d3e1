/** Finds the networks of the optional package @vladmandic/face-api, on WebAssembly. Nothing is sent anywhere: the weights lie inside the package. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What to say where the packages are missing. */
export const FACE_API_REMEDY = 'npm install @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm'

export interface Tensor3 {
  dispose(): void
}
export interface Detection {
  readonly score: number
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
}
interface Net {
  loadFromDisk(folder: string): Promise<void>
}
interface Described {
  readonly detection: Detection
  readonly expressions: Readonly<Record<string, number>>
  readonly descriptor: Float32Array
}
/** A search for a face that goes on with what further networks say of it. */
interface FaceSearch extends PromiseLike<Detection | undefined> {
  withFaceLandmarks(): { withFaceExpressions(): { withFaceDescriptor(): PromiseLike<Described | undefined> } }
}
/** The part of the package's interface in use; its own types need the optional packages to be there. */
export interface FaceApi {
  readonly tf: {
    setBackend(name: string): Promise<boolean>
    tensor3d(values: Int32Array, shape: readonly number[], type: 'int32'): Tensor3
    slice(tensor: Tensor3, begin: readonly number[], size: readonly number[]): Tensor3
  }
  readonly nets: {
    readonly tinyFaceDetector: Net
    readonly ssdMobilenetv1: Net
    readonly faceExpressionNet: Net
    readonly faceRecognitionNet: Net
    readonly faceLandmark68Net: Net & {
      detectLandmarks(input: Tensor3): Promise<{ readonly positions: readonly { readonly x: number; readonly y: number }[] }>
    }
  }
  readonly TinyFaceDetectorOptions: new (options: { inputSize: number; scoreThreshold: number }) => object
  readonly SsdMobilenetv1Options: new (options: { minConfidence: number }) => object
  detectSingleFace(input: Tensor3, options: object): FaceSearch
}

/** Opens the package with the networks named, or gives undefined where it is not installed. Throws where its WebAssembly does not start. */
export async function openFaceApi(nets: readonly (keyof FaceApi['nets'])[]): Promise<{ api: FaceApi; name: string } | undefined> {
  const found = locate(createRequire(import.meta.url))
  if (!found) return undefined
  const { api, models, version } = found
  if (!(await api.tf.setBackend('wasm'))) throw new Error(`the face networks' WebAssembly does not start; reinstall them: ${FACE_API_REMEDY}`)
  await Promise.all(nets.map(net => api.nets[net].loadFromDisk(models)))
  return { api, name: `@vladmandic/face-api ${version}` }
}

function locate(require: NodeJS.Require): { api: FaceApi; models: string; version: string } | undefined {
  try {
    const wasm = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void }
    wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`)
    const manifest = require.resolve('@vladmandic/face-api/package.json')
    const api = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as FaceApi
    return { api, models: join(dirname(manifest), 'model'), version: (require(manifest) as { version: string }).version }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
