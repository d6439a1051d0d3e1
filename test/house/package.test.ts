/** What a user gets: the package as `npm pack` makes it, in an empty project, running the README's sample. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { builtFresh } from './freshBuild.ts'
import { ROOT, runProgram, scratchFolder } from './scratchBuild.ts'

const folder = scratchFolder('package')
const project = join(folder, 'project')
const installed = join(project, 'node_modules/faceclipnerf')

/** The README's TypeScript sample. */
function readmeSample(): string {
  const [, sample] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  if (!sample) throw new Error('README.md: no ```ts block')
  return sample
}

/** Small budgets in place of the defaults; everything else stays as the README has it. Throws when a call is no longer there. */
function hurried(sample: string): string {
  const changes: [string, string][] = [
    ["loadCapture('assets/captures/ada-mini')", "loadCapture('node_modules/faceclipnerf/assets/captures/ada-mini', { downscale: 2 })"],
    ['train(scene, capture)', 'train(scene, capture, { until: 3, reportEvery: 1 })'],
    ['expressionEncoder(clip))', 'expressionEncoder(clip), { count: 3 })'],
    ['editViews(scene))', 'editViews(scene), { steps: 2, reportEvery: 1 })'],
  ]
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`README.md: the sample no longer contains ${from}; correct this test`)
    return text.replace(from, to)
  }, sample)
}

/**
 * Installs the tarball from npm's cache alone; where the cache lacks something, unpacks it beside links to this tree's dependencies.
 * Either way nothing but the tarball's own files and its declared dependencies is in reach.
 */
async function install(tarball: string): Promise<void> {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }))
  const flags = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await runProgram('npm', ['install', ...flags, tarball], { cwd: project })
  } catch (error) {
    console.warn(`npm install --offline: ${String(error).split('\n').slice(0, 4).join(' ')}; linking dependencies instead`)
    mkdirSync(installed, { recursive: true })
    await runProgram('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed])
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    for (const name of Object.keys(dependencies)) {
      const link = join(project, 'node_modules', name)
      mkdirSync(join(link, '..'), { recursive: true })
      if (!existsSync(link)) symlinkSync(join(ROOT, 'node_modules', name), link)
    }
  }
}

describe('the package', () => {
  it('installs into an empty project and runs the README sample and the CLI there', async () => {
    // a copy, because others may be reading or writing dist/
    const copy = join(folder, 'copy')
    for (const name of [
      'src',
      'cli',
      'viewer',
      'studio',
      'assets',
      ...readdirSync(ROOT).filter(name => /\.(json|ts|md)$|^(LICENSE|NOTICE)$/.test(name)),
    ]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    if (builtFresh(ROOT)) cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true })
    else await runProgram('npm', ['run', 'build'], { cwd: copy })
    const [{ filename, files, unpackedSize }] = JSON.parse(
      await runProgram('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: copy }),
    )
    const paths: string[] = files.map(({ path }: { path: string }) => path)
    for (const path of [
      'dist/index.js',
      'dist/node.js',
      'dist/node.d.ts',
      'dist/viewer.js',
      'dist/cli.js',
      'dist/studio/index.html',
      'assets/demo/ada.zip',
      'assets/encoder/model.safetensors',
      'LICENSE',
      'NOTICE',
      'README.md',
      'PAPER.md',
    ])
      expect(paths).toContain(path)
    expect(paths.filter(path => /^(src|test|\.ci|shared)\//.test(path))).toEqual([])
    expect(unpackedSize).toBeLessThan(20e6)

    await install(join(folder, filename))
    const sample = ts.transpileModule(hurried(readmeSample()), { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
    writeFileSync(join(project, 'sample.js'), sample.outputText)
    const printed = await runProgram(process.execPath, ['sample.js'], { cwd: project, env: { FACECLIPNERF_DEVICE: 'cpu' } })
    // Three training steps, what the search for a start says, two steps of the edit: step number and a figure each.
    const lines = printed.trim().split('\n')
    expect(lines.slice(0, 3).map(line => line.split(' ')[0])).toEqual(['1', '2', '3'])
    expect(lines.length).toBeGreaterThan(5)
    for (const line of lines) expect(Number.isFinite(Number(line.split(' ')[1]))).toBe(true)
    expect(lines.slice(-2).map(line => line.split(' ')[0])).toEqual(['1', '2'])
    expect(readFileSync(join(project, 'surprised.png')).subarray(1, 4).toString()).toBe('PNG')

    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(await runProgram(process.execPath, [join(installed, 'dist/cli.js'), '--version'], { cwd: project })).toBe(`${version}\n`)
    expect(await runProgram(process.execPath, [join(installed, 'dist/cli.js'), 'demo', '--help'], { cwd: project })).toContain('--out <folder>')

    checkTypes(readmeSample())
  }, 240_000)
})

/** The sample as the README has it, against the package's own types. */
function checkTypes(sample: string): void {
  const path = join(project, 'sample.ts')
  writeFileSync(path, sample)
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
    types: ['node', '@webgpu/types'],
    typeRoots: [join(ROOT, 'node_modules/@types'), join(ROOT, 'node_modules')],
  }
  const errors = ts.getPreEmitDiagnostics(ts.createProgram([path], options))
  expect(errors.map(error => ts.flattenDiagnosticMessageText(error.messageText, '\n'))).toEqual([])
}
