/** The morphable head of ICT-FaceKit (MIT licence, © 2020 USC Institute for Creative Technologies) from a folder with rig.json and rig.bin; not part of this repository. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface Stored {
  readonly offset: number
  readonly bytes: number
  readonly scale?: readonly number[]
}

export interface Rig {
  readonly expressionNames: readonly string[]
  readonly identityModes: number
  /** [V · 3], centimetres: x to the subject's left, y up, z out of the face. */
  readonly neutral: Float32Array
  /** [T · 3], vertices of each triangle. */
  readonly triangles: Uint32Array
  /** Of each triangle: an index into `regions`. */
  readonly regionOf: Uint8Array
  readonly regions: readonly string[]
  /** 68 vertices in Multi-PIE order. */
  readonly landmarks: readonly number[]
  /** Adds `amount` of one mode to positions [V · 3]. */
  addExpression(positions: Float32Array, mode: number, amount: number): void
  addIdentity(positions: Float32Array, mode: number, amount: number): void
}

/** What is seen of the head; tear fluid and the seams around the eyes are left out. */
const REGIONS = [
  'Face',
  'Head and Neck',
  'Mouth socket',
  'Eye socket left',
  'Eye socket right',
  'Gums and tongue',
  'Teeth',
  'Sclera left',
  'Sclera right',
  'Eyelashes left',
  'Eyelashes right',
]

export async function loadRig(folder: string): Promise<Rig> {
  const header = JSON.parse(await readFile(join(folder, 'rig.json'), 'utf8'))
  const bytes = await readFile(join(folder, 'rig.bin'))
  const at = ({ offset, bytes: length }: Stored): ArrayBuffer => new Uint8Array(bytes.subarray(offset, offset + length)).buffer
  const faces = new Uint16Array(at(header.arrays.faces))
  const triangles: number[] = []
  const regionOf: number[] = []
  for (const [r, name] of REGIONS.entries()) {
    const { polygons } = header.regions.find((region: { name: string }) => region.name === name)
    for (let p = polygons[0]; p <= polygons[1]; p++) {
      const [a, b, c, d] = faces.subarray(4 * p, 4 * p + 4)
      triangles.push(a, b, c)
      regionOf.push(r)
      if (d !== c) {
        triangles.push(a, c, d)
        regionOf.push(r)
      }
    }
  }
  /** Modes without their zeros: most move a small part of the head. */
  const modes = (stored: Stored): ((positions: Float32Array, mode: number, amount: number) => void) => {
    const deltas = new Int16Array(at(stored))
    const { scale = [] } = stored
    const size = deltas.length / scale.length
    const moved = scale.map((_, mode) => {
      const own = deltas.subarray(mode * size, (mode + 1) * size)
      return Uint32Array.from(own.keys()).filter(i => own[i] !== 0)
    })
    return (positions, mode, amount) => {
      for (const i of moved[mode]) positions[i] += amount * scale[mode] * deltas[mode * size + i]
    }
  }
  return {
    expressionNames: header.expressionNames,
    identityModes: header.arrays.identity.shape[0],
    neutral: new Float32Array(at(header.arrays.neutral)),
    triangles: Uint32Array.from(triangles),
    regionOf: Uint8Array.from(regionOf),
    regions: REGIONS,
    landmarks: header.landmarks68,
    addExpression: modes(header.arrays.expressions),
    addIdentity: modes(header.arrays.identity),
  }
}
