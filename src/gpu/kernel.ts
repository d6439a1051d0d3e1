/** WGSL text -> pipeline: the bind group layout is read off the storage declarations, pipelines are made once per text, many at a time. */
import { COMPUTE } from './flags.ts'

/** Access of binding i of group 0, in order: 'r' read, 'w' read_write. */
export type Access = 'r' | 'w'

export interface Kernel {
  readonly layout: GPUBindGroupLayout
  /** Absent while it compiles, and for good when it does not compile. */
  readonly pipeline?: GPUComputePipeline | undefined
  /** Settles when it has compiled or failed to, which the device reports; absent from then on. */
  readonly compiling?: Promise<void> | undefined
}

const DECLARATION = /@group\(0\)\s*@binding\((\d+)\)\s*var<storage(?:,\s*(read|read_write))?>/g

/** The accesses a kernel declares. Throws when its binding numbers are not 0, 1, 2, ... */
export function declaredAccess(label: string, code: string): Access[] {
  const found = [...code.matchAll(DECLARATION)].map(m => ({ binding: Number(m[1]), access: m[2] === 'read_write' ? ('w' as const) : ('r' as const) }))
  found.sort((a, b) => a.binding - b.binding)
  for (const [i, { binding }] of found.entries()) {
    if (binding !== i)
      throw new Error(`kernel ${label}: binding numbers ${found.map(f => f.binding).join(', ')}; they must be 0, 1, 2, ... in group 0`)
  }
  return found.map(f => f.access)
}

/** The same kernel with binding `index` declared read_write: WebGPU forbids one buffer to be bound for reading and for writing at once. */
export function withWriteAccess(code: string, index: number): string {
  return code.replaceAll(DECLARATION, (text, binding: string) =>
    Number(binding) === index ? text.replace(/<storage[^>]*>/, '<storage, read_write>') : text,
  )
}

/** Makes pipelines of one device and remembers them by their code. */
export class KernelCache {
  private readonly kernels = new Map<string, Kernel>()
  private readonly layouts = new Map<string, GPUBindGroupLayout>()

  /**
   * @param check is given, for every new kernel, what will turn out to be wrong with it.
   * @param sideBySide compiles kernels at the same time, while the caller goes on; else `get` returns when the kernel is there.
   */
  constructor(
    private readonly device: GPUDevice,
    private readonly check: (found: Promise<Error | undefined>) => void,
    private readonly sideBySide: boolean,
  ) {}

  get size(): number {
    return this.kernels.size
  }

  get(label: string, code: string, access: readonly Access[]): Kernel {
    const known = this.kernels.get(code)
    if (known) return known
    const layout = this.layoutOf(access)
    this.device.pushErrorScope('validation')
    const module = this.device.createShaderModule({ label, code })
    const pipelineLayout = this.device.createPipelineLayout({ bindGroupLayouts: [layout] })
    const described = { label, layout: pipelineLayout, compute: { module, entryPoint: 'main' } }
    const kernel: { -readonly [key in keyof Kernel]: Kernel[key] } = { layout }
    const wrong = (message: string): Promise<Error> => compileError(label, code, module, message)
    if (this.sideBySide) {
      const refused = this.device.popErrorScope()
      const outcome = this.device.createComputePipelineAsync(described).then(
        pipeline => {
          kernel.pipeline = pipeline
          return undefined
        },
        async (error: Error) => wrong((await refused)?.message ?? error.message),
      )
      this.check(outcome)
      const done = (): void => {
        kernel.compiling = undefined
      }
      kernel.compiling = outcome.then(done, done)
    } else {
      kernel.pipeline = this.device.createComputePipeline(described)
      this.check(this.device.popErrorScope().then(error => (error ? wrong(error.message) : undefined)))
    }
    this.kernels.set(code, kernel)
    return kernel
  }

  private layoutOf(access: readonly Access[]): GPUBindGroupLayout {
    const key = access.join('')
    const known = this.layouts.get(key)
    if (known) return known
    const entries = access.map(
      (a, binding): GPUBindGroupLayoutEntry => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: a === 'r' ? 'read-only-storage' : 'storage' },
      }),
    )
    const layout = this.device.createBindGroupLayout({ label: key, entries })
    this.layouts.set(key, layout)
    return layout
  }
}

/** The kernel's name, what the compiler said, and the line it said it about. */
async function compileError(label: string, code: string, module: GPUShaderModule, message: string): Promise<Error> {
  const { messages } = await module.getCompilationInfo()
  const errors = messages.filter(m => m.type === 'error')
  const lines = code.split('\n')
  const quoted = errors.map(m => `  ${m.lineNum}:${m.linePos} ${m.message}\n    ${lines[m.lineNum - 1]?.trim() ?? ''}`)
  return new Error(`kernel ${label}: ${quoted.length > 0 ? `WGSL does not compile\n${quoted.join('\n')}` : message}`)
}
