/** The public API, in every environment: capture -> train -> anchors -> edit -> render -> evaluate. */

// Cameras.
export { type Camera, cameraFromJson, cameraToJson, scaleCamera } from './camera/camera.ts'
export {
  type CameraPath,
  type ExpressionKeyframe,
  expressionAt,
  keyframeOf,
  keyframeTimes,
  type PathKeyframe,
  type PathPose,
  pathCameras,
  poseAt,
} from './camera/cameraPath.ts'
export { cameraPathFromJson, cameraPathToJson } from './camera/cameraPathFile.ts'
export { focusPoint, interpolate, lookAt, type OrbitRange, orbit, orbitRange, type PathOptions, spiral } from './camera/paths.ts'
export type { Matrix3, Vector3 } from './camera/vector.ts'
// A recorded face.
export { type Capture, CaptureError, type CaptureFrame, loadCapture } from './capture/capture.ts'
export { type CaptureFileOptions, captureFiles } from './capture/captureFiles.ts'
export { type CaptureChecks, checkCapture, type Finding } from './capture/checks/checkCapture.ts'
export { type FrameFlag, frameFlags } from './capture/checks/frameFlags.ts'
export { EXPORT_FORMATS, type ExportFormat, exportFiles } from './capture/exportCapture.ts'
export type { ImportedCapture, ImportedFrame, ImportedImage } from './capture/importedCapture.ts'
export { DATASET_FORMATS, type DatasetFormat, readDataset } from './capture/readDataset.ts'
export { withoutFrames } from './capture/withoutFrames.ts'
// Networks that see faces and read sentences.
export { type ClipModel, type EncoderOptions, loadEncoder } from './clip/clipModel.ts'
export { wordsRead } from './clip/prompts.ts'
export { type ExpressionEncoder, type ExpressionHead, expressionEncoder, type TextImageEncoder } from './clip/textImageEncoder.ts'
// The edit.
export { ACTION_UNITS, type ExpressionTarget, expressionTarget } from './edit/actionUnits.ts'
export { AnchorCompositor, type CompositorOptions } from './edit/anchorCompositor.ts'
export { type AnchorCodes, type AnchorOptions, type AnchorReport, anchorsFromCodes, renderCodes, selectAnchors } from './edit/anchors.ts'
export { type AugmentationOptions, augmented } from './edit/augmentation.ts'
export { type EditOptions, type EditStep, edit } from './edit/edit.ts'
export type { EditableCodes } from './edit/editableCodes.ts'
export { type EditDescription, type LoadedEdit, type LossPoint, loadEdit, readHistory, saveEdit, withShown } from './edit/editFile.ts'
export { editViews } from './edit/editViews.ts'
export { type ExpressionGuidanceOptions, expressionGuidance } from './edit/expressionGuidance.ts'
export { type FaceFrame, faceFrame, namedRegion, REGION_NAMES } from './edit/faceFrame.ts'
export type { FaceRegion } from './edit/faceRegion.ts'
export { FreeCode, type FreeCodeOptions } from './edit/freeCode.ts'
export { type Guidance, type TextGuidanceOptions, textGuidance } from './edit/guidance.ts'
export { type WeightedSentence, weightedSentences, weightedSum } from './edit/guidanceSum.ts'
export { markedSurface, maskedRegion } from './edit/maskedRegion.ts'
export { EDIT_METHODS, type EditMethod, type EditMethodName, editMethod, firstAnchors, type StartedMethod } from './edit/methods.ts'
export { type PictureGuidance, pictureGuidance } from './edit/pictureGuidance.ts'
export { type MarkedPoints, type PointRegionOptions, pointRegion } from './edit/pointRegion.ts'
export { type TargetPicture, targetPicture } from './edit/targetPicture.ts'
export { type NearestPrompt, nearestPrompt } from './edit/warmStart.ts'
// Numbers about the result, and reports.
export {
  type BenchmarkPlan,
  type BenchmarkRow,
  type BenchmarkStep,
  type BenchmarkTask,
  benchmark,
  type RowKey,
  type RowStore,
  rowKeys,
} from './eval/benchmark.ts'
export { type BenchmarkPrompt, benchmarkPrompts, USUAL_PROMPTS } from './eval/benchmarkPrompts.ts'
export { type BenchmarkHeader, benchmarkMarkdown, benchmarkPage, type SheetRow } from './eval/benchmarkReport.ts'
export { benchmarkTables, type JudgedCapture, type ReportTable } from './eval/benchmarkTables.ts'
export { captureReport, type ExpressionCoverage, expressionFindings } from './eval/captureReport.ts'
export { editReport } from './eval/editReport.ts'
export { evaluateScene, type SceneReport, type ViewScore } from './eval/evaluate.ts'
export { type EditResult, type EditToMeasure, type EvaluationOptions, type EvaluationStep, evaluateEdits } from './eval/evaluateEdits.ts'
export { type EvaluationViews, evaluationViews } from './eval/evaluationViews.ts'
export { type FaceJudge, namedExpression } from './eval/faceJudge.ts'
export { loadGroundTruth, type TrueEdit } from './eval/groundTruth.ts'
export { type Lpips, loadLpips } from './eval/lpips.ts'
export type { EditMeasures, Instruments } from './eval/measureEdit.ts'
export { PictureReader } from './eval/pictureReader.ts'
export { reachableExpressions } from './eval/reachable.ts'
export { makeReport, type Report, reportJson } from './eval/report.ts'
// Files: bytes in and out.
export { baseUrl, type FileSource, fileMap, folder, writeAtomic } from './io/files.ts'
export { type FileTree, mapTree } from './io/fileTree.ts'
export { encodeGlb } from './io/glb.ts'
export { decodeImage, encodePng, encodeWebp, type Image } from './io/imageCodec.ts'
export type { Mesh } from './io/mesh.ts'
export { encodePly } from './io/plyWriter.ts'
export { parseSafetensors } from './io/safetensors.ts'
export { greyPicture, type Picture, type SheetCell, sheet, toImage } from './io/sheet.ts'
export { DIGITAL_SOURCE_TYPE, type SyntheticMedia, syntheticMediaFields, syntheticMediaNote, syntheticMediaXmp } from './io/syntheticMedia.ts'
export { tagImage } from './io/tagImage.ts'
export { openVideo, type VideoFormat, type VideoOptions, type VideoWriter, videoCodecs } from './io/videoFile.ts'
export { type PageFile, type ViewerPageOptions, viewerPage } from './io/viewerPage.ts'
export { encodeWebpAnimation } from './io/webpAnimation.ts'
export { ZipWriter } from './io/zipWriter.ts'
// Two pictures compared.
export { psnr } from './metrics/psnr.ts'
export { ssim } from './metrics/ssim.ts'
// The scene manipulator G and its code fields: train it, keep it, render it.
export { type AdjustableCodes, adjustableCodes } from './nerf/adjustableCodes.ts'
export { type BakedView, type BakeOptions, bake } from './nerf/bakedView.ts'
export { blend, type CodeField, constantCode } from './nerf/codeField.ts'
export { type CodeMixture, codeMixture } from './nerf/codeMixture.ts'
export { type ExpressionTimeline, expressionTimeline, type TimedExpression } from './nerf/expressionTimeline.ts'
export { findFrame, frameCode, weightedCodes } from './nerf/frameCode.ts'
export { PRESETS, type PresetName, preset } from './nerf/presets.ts'
export { createRenderer, type DrawnImage, type RenderedImage, type Renderer, type RenderOptions, render } from './nerf/render.ts'
export { cameraIntoSpace, cameraOutOfSpace, frameCamera, worldCamera } from './nerf/sceneCameras.ts'
export type { SceneConfig } from './nerf/sceneConfig.ts'
export { loadScene, type SaveSceneOptions, saveScene } from './nerf/sceneFile.ts'
export { type SceneDescription, type SceneFrame, SceneManipulator, type SceneOptions } from './nerf/sceneManipulator.ts'
export { type HostPixels, openScreen, type Screen, type ShowOptions } from './nerf/screen.ts'
export { extractSurface, type SurfaceOptions, type SurfaceStep } from './nerf/surface.ts'
export { profileStep, type TrainOptions, type TrainStep, train } from './nerf/train.ts'
// Where it computes.
export type { Device, Storage } from './tensor/device.ts'
export { type OpenDeviceOptions, openDevice } from './tensor/openDevice.ts'
export { type KernelProfile, profileTable } from './tensor/profileTable.ts'
export type { Tensor } from './tensor/tensor.ts'
