/** Pictures from storage buffers onto a canvas: one triangle over the canvas, whose fragments look their pixel up. */
import type { BufferRange } from './dispatch.ts'
import { COPY_DST, FRAGMENT, UNIFORM } from './flags.ts'
import type { Order } from './order.ts'

/** RGBA words, red lowest, row by row. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly range: BufferRange
}

export interface Surface {
  /** Shows `left` in the columns before `split` and `right` in the others; the canvas takes their size. Throws when the sizes differ. */
  show(right: Pixels, left: Pixels, split: number): void
  /** Shows `count` pictures, which lie one below the other in `stacked`, in rows of `columns`; the canvas takes the size of all of them. */
  showGrid(stacked: Pixels, grid: Grid): void
}

export interface Grid {
  readonly count: number
  readonly columns: number
}

/** The only format that every canvas takes and whose bytes are in the words' order. */
const FORMAT = 'rgba8unorm'

/** Pixel of a grid of pictures that lie one below the other; a single picture is a grid of one. Cells without a picture are black. */
const SHADER = `struct View { width: u32, split: u32, height: u32, columns: u32 }
@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> left: array<u32>;
@group(0) @binding(2) var<storage, read> right: array<u32>;
@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i & 1u) * 4.0 - 1.0, f32(i >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn color(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let p = vec2u(at.xy);
  let cell = p.y / view.height * view.columns + p.x / view.width;
  let i = (cell * view.height + p.y % view.height) * view.width + p.x % view.width;
  if (i >= arrayLength(&right)) { return vec4f(0.0, 0.0, 0.0, 1.0); }
  if (p.x < view.split) { return unpack4x8unorm(left[i]); }
  return unpack4x8unorm(right[i]);
}`

/** Throws when the canvas has another kind of context already, or the browser gives it none of WebGPU. */
export function openSurface(device: GPUDevice, canvas: OffscreenCanvas | HTMLCanvasElement, order: Order): Surface {
  const context = canvas.getContext('webgpu') as GPUCanvasContext | null
  if (!context) throw new Error('present: this canvas gives no WebGPU context; pass one that nothing else has drawn on')
  context.configure({ device, format: FORMAT, alphaMode: 'opaque' })
  const module = device.createShaderModule({ label: 'present', code: SHADER })
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: FRAGMENT, buffer: { type: 'uniform' } },
      { binding: 1, visibility: FRAGMENT, buffer: { type: 'read-only-storage' } },
      { binding: 2, visibility: FRAGMENT, buffer: { type: 'read-only-storage' } },
    ],
  })
  const pipeline = device.createRenderPipeline({
    label: 'present',
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    vertex: { module, entryPoint: 'corner' },
    fragment: { module, entryPoint: 'color', targets: [{ format: FORMAT }] },
  })
  const view = device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST })
  const draw = (right: Pixels, left: Pixels, split: number, { count, columns }: Grid): void => {
    const [width, height] = [right.width, right.height / count]
    const size = [width * columns, height * Math.ceil(count / columns)]
    if (canvas.width !== size[0]) canvas.width = size[0]
    if (canvas.height !== size[1]) canvas.height = size[1]
    device.queue.writeBuffer(view, 0, Uint32Array.of(width, split, height, columns))
    const binding = ({ buffer, offset, size }: BufferRange) => ({ buffer, offset, size })
    const group = device.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: view } },
        { binding: 1, resource: binding(left.range) },
        { binding: 2, resource: binding(right.range) },
      ],
    })
    const encoder = device.createCommandEncoder()
    const target = context.getCurrentTexture().createView()
    const pass = encoder.beginRenderPass({ colorAttachments: [{ view: target, loadOp: 'clear', storeOp: 'store' }] })
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, group)
    pass.draw(3)
    pass.end()
    device.queue.submit([encoder.finish()])
  }
  return {
    show(right, left, split) {
      if (left.width !== right.width || left.height !== right.height)
        throw new Error(`present: pictures of ${left.width}x${left.height} and ${right.width}x${right.height} side by side; draw both at one size`)
      order.inTurn(() => draw(right, left, split, { count: 1, columns: 1 }))
    },
    showGrid: (stacked, grid) => order.inTurn(() => draw(stacked, stacked, 0, grid)),
  }
}
