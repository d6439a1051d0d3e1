/** What the WebGPU of this machine offers, for people whose GPU is not found. */
import { adapterName } from './gpuDevice.ts'

/** A WebGPU adapter and its limits. */
export interface AdapterReport {
  readonly name: string
  readonly vendor: string
  readonly architecture: string
  /** Computes on the processor. */
  readonly isFallback: boolean
  readonly features: readonly string[]
  /** Bytes and counts of the limits that decide what fits. */
  readonly limits: Readonly<Record<string, number>>
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const

/** The adapters that are given for high performance, for low power and as fallback, each once. */
export async function gpuReport(gpu: GPU): Promise<AdapterReport[]> {
  const asked: GPURequestAdapterOptions[] = [
    { powerPreference: 'high-performance' },
    { powerPreference: 'low-power' },
    { forceFallbackAdapter: true },
  ]
  const reports: AdapterReport[] = []
  for (const options of asked) {
    const adapter = await gpu.requestAdapter(options)
    if (!adapter) continue
    const { vendor, architecture, isFallbackAdapter } = adapter.info
    const report = {
      name: adapterName(adapter),
      vendor,
      architecture,
      isFallback: isFallbackAdapter === true || options.forceFallbackAdapter === true,
      features: [...adapter.features].sort(),
      limits: Object.fromEntries(LIMITS.map(name => [name, adapter.limits[name]])),
    }
    if (!reports.some(one => one.name === report.name)) reports.push(report)
  }
  return reports
}
