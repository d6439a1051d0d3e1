/** What a canvas is to the studio's engine where there is none: a context that hands out textures, or takes pixels. */
export function engineCanvas(): OffscreenCanvas {
  let gpu: GPUDevice | undefined
  let texture: GPUTexture | undefined
  const size = { width: 1, height: 1 }
  const webgpu = {
    configure: (options: GPUCanvasConfiguration) => {
      gpu = options.device
    },
    getCurrentTexture: () => {
      if (texture?.width !== size.width || texture.height !== size.height) {
        texture?.destroy()
        texture = gpu?.createTexture({ size: [size.width, size.height], format: 'rgba8unorm', usage: 0x10 })
      }
      return texture
    },
  }
  const getContext = (kind: string): unknown => (kind === 'webgpu' ? webgpu : { putImageData: () => undefined })
  return Object.assign(size, { getContext }) as unknown as OffscreenCanvas
}
