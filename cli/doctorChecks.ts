/** What `doctor` looks at, each with what to do about it. */
import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { cacheFolder, findAdapters, listModels, loadEncoder, modelFit, openDevice } from 'faceclipnerf'

export interface Check {
  readonly name: string
  /** 'warning' is what some verbs need and this machine lacks; 'bad' keeps everything from working. */
  readonly state: 'good' | 'warning' | 'bad'
  readonly text: string
  readonly remedy?: string
  /** Numbers for programs. */
  readonly data?: object
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0]

/** Oldest Node that runs everything. */
const NODE = [20, 19] as const
const LEAST_MEMORY = 2 * 2 ** 30
const LEAST_DISK = 2 * 2 ** 30
/** A tool that says nothing for so long hangs. Milliseconds. */
const TOOL_MS = 15_000
/** Bytes of an answer: ffmpeg lists hundreds of decoders. */
const TOOL_BYTES = 2 ** 22

async function node(): Promise<Check> {
  const { node: version } = process.versions
  const [major, minor] = version.split('.').map(Number)
  const text = `Node ${version} on ${process.platform} ${process.arch}`
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return { name: 'node', state: 'good', text, data: { version } }
  return { name: 'node', state: 'bad', text, remedy: `install Node ${NODE.join('.')} or later from nodejs.org`, data: { version } }
}

async function gpu(): Promise<Check> {
  const { adapters, problem } = await findAdapters()
  const data = { adapters, ...(problem !== undefined && { problem }) }
  const real = adapters.filter(adapter => !adapter.isFallback)
  if (real.length > 0) {
    const text = real
      .map(({ name, features, limits }) => {
        const has = ['shader-f16', 'subgroups', 'timestamp-query'].map(feature => `${feature} ${features.includes(feature) ? 'yes' : 'no'}`)
        return `${name}: ${has.join(', ')}, buffers up to ${gib(limits.maxBufferSize)}, bindings up to ${gib(limits.maxStorageBufferBindingSize)}`
      })
      .join('; ')
    return { name: 'gpu', state: 'good', text, data }
  }
  const text =
    problem ?? (adapters.length > 0 ? `only ${adapters.map(adapter => adapter.name).join(', ')}, which computes in software` : 'no WebGPU adapter')
  return {
    name: 'gpu',
    state: 'warning',
    text: `${text}; everything runs on the CPU`,
    remedy: GPU_REMEDY[process.platform] ?? GPU_REMEDY.linux,
    data,
  }
}

const GPU_REMEDY: Partial<Record<NodeJS.Platform, string>> = {
  linux:
    'install a Vulkan driver (Debian: mesa-vulkan-drivers, or the NVIDIA driver with libvulkan1) and see that vulkaninfo lists the GPU; in a container pass --gpus all and NVIDIA_DRIVER_CAPABILITIES=all',
  darwin: 'use a Mac with Metal, and npm ci with optional packages',
  win32: "install the GPU maker's driver, and npm ci with optional packages",
}

async function device(): Promise<Check> {
  try {
    using opened = await openDevice()
    return { name: 'device', state: 'good', text: opened.description, data: { kind: opened.kind } }
  } catch (error) {
    return { name: 'device', state: 'bad', text: reason(error), remedy: 'unset FACECLIPNERF_DEVICE, or set it to cpu' }
  }
}

async function memory(): Promise<Check> {
  const data = { total: totalmem(), free: freemem(), processors: availableParallelism() }
  const text = `${gib(data.total)} of memory, ${gib(data.free)} free; ${data.processors} processors (${cpus()[0]?.model.trim() ?? 'unknown'})`
  if (data.total >= LEAST_MEMORY) return { name: 'memory', state: 'good', text, data }
  return { name: 'memory', state: 'warning', text, remedy: `use small pictures (import --size 320), or a machine with ${gib(LEAST_MEMORY)}`, data }
}

async function colmap(): Promise<Check> {
  const answer = await tool('colmap', ['help'])
  const version = /COLMAP (\d+)\.(\d+)[.\d]*/.exec(answer ?? '')
  const remedy =
    'it finds camera poses of videos and pictures: Debian apt install colmap, macOS brew install colmap, Windows from colmap.github.io; not needed for data with poses'
  if (answer === undefined) return { name: 'colmap', state: 'warning', text: 'not found', remedy }
  if (!version)
    return { name: 'colmap', state: 'warning', text: 'there, but does not say which version it is', remedy: 'see that `colmap help` works' }
  const number = Number(version[1]) + Number(version[2]) / 100
  const cuda = /without CUDA/i.test(answer) ? ' without CUDA' : ''
  if (number >= 3.08) return { name: 'colmap', state: 'good', text: `${version[0]}${cuda}`, data: { version: version[0].slice(7) } }
  return { name: 'colmap', state: 'warning', text: `${version[0]} is older than 3.8`, remedy, data: { version: version[0].slice(7) } }
}

async function ffmpeg(): Promise<Check> {
  const answer = await tool('ffmpeg', ['-hide_banner', '-version'])
  const remedy = 'it reads videos: Debian apt install ffmpeg, macOS brew install ffmpeg, Windows winget install ffmpeg; not needed for pictures'
  if (answer === undefined) return { name: 'ffmpeg', state: 'warning', text: 'not found', remedy }
  const decoders = (await tool('ffmpeg', ['-hide_banner', '-decoders'])) ?? ''
  const wanted = { h264: 'H.264', hevc: 'HEVC', vp9: 'VP9', av1: 'AV1' }
  const has = Object.entries(wanted).map(([name, text]) => ({
    text,
    has: new RegExp(`^ V\\S+ (lib\\w*)?${name}|\\(codec ${name}\\)`, 'm').test(decoders),
  }))
  const version = /version (\S+)/.exec(answer)?.[1] ?? 'of unknown version'
  const lacking = has.filter(one => !one.has).map(one => one.text)
  const text = `ffmpeg ${version}: ${has.map(one => `${one.text} ${one.has ? 'yes' : 'no'}`).join(', ')}`
  if (lacking.length === 0) return { name: 'ffmpeg', state: 'good', text, data: { version } }
  return { name: 'ffmpeg', state: 'warning', text, remedy: `install a full build to read ${lacking.join(', ')}`, data: { version, lacking } }
}

async function encoder(): Promise<Check> {
  try {
    using cpu = await openDevice({ kind: 'cpu', threads: 1 })
    const { name, embeddingSize } = await loadEncoder(cpu, undefined, { towers: ['text'] })
    return { name: 'encoder', state: 'good', text: `${name}, ${embeddingSize} values`, data: { embeddingSize } }
  } catch (error) {
    return { name: 'encoder', state: 'bad', text: reason(error), remedy: 'install the package again' }
  }
}

async function models(): Promise<Check> {
  const cache = await cacheFolder(process.env)
  const found = await Promise.all((await listModels(cache)).map(async model => ({ ...model, problem: await modelFit(model.path) })))
  const usable = found.filter(model => model.problem === undefined)
  const data = { cache, models: found.map(({ repository, commit, bytes, problem }) => ({ repository, commit, bytes, ...(problem && { problem }) })) }
  if (usable.length > 0) return { name: 'models', state: 'good', text: `${usable.map(model => model.repository).join(', ')} in ${cache}`, data }
  const remedy = 'for photographs: faceclipnerf models pull openai/clip-vit-base-patch32; the embedded encoder knows rendered faces'
  const why = found.map(({ repository, problem }) => `${repository}: ${problem}`).join('; ')
  return { name: 'models', state: 'warning', text: `none that can be used in ${cache}${why && ` (${why})`}`, remedy, data }
}

async function disk(): Promise<Check> {
  const places = [...new Set([process.cwd(), await cacheFolder(process.env)])]
  const free = await Promise.all(places.map(async place => ({ place, bytes: await freeBytes(place) })))
  const text = free.map(({ place, bytes }) => `${bytes === undefined ? 'unknown' : gib(bytes)} free at ${place}`).join(', ')
  const isShort = free.some(({ bytes }) => bytes !== undefined && bytes < LEAST_DISK)
  const remedy = 'free some space, write captures to another disk, or set HF_HOME for models'
  return { name: 'disk', state: isShort ? 'warning' : 'good', text, ...(isShort && { remedy }), data: { free } }
}

/** Of the nearest folder that is there. */
async function freeBytes(place: string): Promise<number | undefined> {
  const found = await statfs(place).catch(() => undefined)
  if (found) return found.bavail * found.bsize
  return dirname(place) === place ? undefined : freeBytes(dirname(place))
}

/** What a program prints; undefined when it is not there. A failing exit code is no matter: some print their help and fail. */
function tool(name: string, argv: string[]): Promise<string | undefined> {
  return new Promise(done => {
    execFile(name, argv, { timeout: TOOL_MS, maxBuffer: TOOL_BYTES, windowsHide: true }, (error, out, err) => {
      const missing = error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')
      done(missing ? undefined : `${out}\n${err}`)
    })
  })
}

export const checks: readonly (() => Promise<Check>)[] = [node, gpu, device, memory, encoder, models, colmap, ffmpeg, disk]
