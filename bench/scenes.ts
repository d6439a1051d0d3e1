/** What the benchmarks of the whole path measure: the made-up scene of the tests, at a preset's sizes. */
import { PRESETS, type PresetName } from '../src/nerf/presets.ts'
import { SceneManipulator } from '../src/nerf/sceneManipulator.ts'
import type { Device } from '../src/tensor/device.ts'
import { smallCapture } from '../test/nerf/smallScene.ts'

/** 24 frames of 64² px. */
export const CAPTURE = smallCapture(24, 64)

export const presetNames = Object.keys(PRESETS) as readonly PresetName[]

/** What a person on this device would train. */
export const usualPreset = (device: Device): PresetName => (device.kind === 'gpu' ? 'fast' : 'tiny')

export const benchScene = (device: Device, preset: PresetName): SceneManipulator => new SceneManipulator(device, CAPTURE, { preset })
