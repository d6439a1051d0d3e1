/** The public API, in every environment: capture -> train -> anchors -> edit -> render -> evaluate. */

export { type Camera, cameraFromJson, cameraToJson, scaleCamera } from './camera/camera.ts'
export { focusPoint, interpolate, lookAt, orbit, type PathOptions, spiral } from './camera/paths.ts'
// A recorded face, and cameras.
export { type Capture, CaptureError, type CaptureFrame, loadCapture } from './capture/capture.ts'
// Networks that see faces and read sentences.
export { type ClipModel, type EncoderOptions, loadEncoder } from './clip/clipModel.ts'
export { type ExpressionEncoder, type ExpressionHead, expressionEncoder, type TextImageEncoder } from './clip/textImageEncoder.ts'
export { AnchorCompositor, type CompositorOptions } from './edit/anchorCompositor.ts'
// The edit.
export { type AnchorCodes, type AnchorOptions, type AnchorReport, anchorsFromCodes, renderCodes, selectAnchors } from './edit/anchors.ts'
export { type EditOptions, type EditStep, edit } from './edit/edit.ts'
export type { EditableCodes } from './edit/editableCodes.ts'
export { type EditDescription, type LoadedEdit, loadEdit, saveEdit } from './edit/editFile.ts'
export { editViews } from './edit/editViews.ts'
export { FreeCode } from './edit/freeCode.ts'
export { type Guidance, type TextGuidanceOptions, textGuidance } from './edit/guidance.ts'
export { type PictureGuidance, pictureGuidance } from './edit/pictureGuidance.ts'
export { type TargetPicture, targetPicture } from './edit/targetPicture.ts'
// Numbers and pictures of the result.
export { evaluateScene, type SceneReport, type ViewScore } from './eval/evaluate.ts'
export { baseUrl, type FileSource, fileMap, folder, writeAtomic } from './io/files.ts'
export { decodeImage, encodePng, encodeWebp, type Image } from './io/imageCodec.ts'
export { greyPicture, type Picture, type SheetCell, sheet, toImage } from './io/sheet.ts'
export { encodeWebpAnimation } from './io/webpAnimation.ts'
export { psnr } from './metrics/psnr.ts'
export { ssim } from './metrics/ssim.ts'
export { type BakedView, type BakeOptions, bake } from './nerf/bakedView.ts'
export { blend, type CodeField, constantCode } from './nerf/codeField.ts'
export { findFrame, frameCode } from './nerf/frameCode.ts'
// The scene manipulator G: train it, keep it, render it.
export { PRESETS, type PresetName, preset } from './nerf/presets.ts'
export { createRenderer, type DrawnImage, type RenderedImage, type Renderer, type RenderOptions, render } from './nerf/render.ts'
export { frameCamera, worldCamera } from './nerf/sceneCameras.ts'
export type { SceneConfig } from './nerf/sceneConfig.ts'
export { loadScene, saveScene } from './nerf/sceneFile.ts'
export { type SceneDescription, type SceneFrame, SceneManipulator, type SceneOptions } from './nerf/sceneManipulator.ts'
export { type TrainOptions, type TrainStep, train } from './nerf/train.ts'
// Where it computes.
export type { Device } from './tensor/device.ts'
export { type OpenDeviceOptions, openDevice } from './tensor/openDevice.ts'
export type { Tensor } from './tensor/tensor.ts'
