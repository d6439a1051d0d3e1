/** What Node lacks of a browser's world, for the tests of the file that calls this: ImageData that keeps what it is given. */
import { afterAll, beforeAll } from 'vitest'

export function withImageData(): void {
  beforeAll(() => {
    Object.assign(globalThis, {
      ImageData: class {
        constructor(
          readonly data: Uint8ClampedArray,
          readonly width: number,
          readonly height: number,
        ) {}
      },
    })
  })
  afterAll(() => {
    Reflect.deleteProperty(globalThis, 'ImageData')
  })
}
