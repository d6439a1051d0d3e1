// The import rule of the house, as a function of the sources; scripts/lintImports.mjs runs it on the tree. See CONTRIBUTING.md.

import ts from 'typescript'

/** Row of each layer. A file imports only from rows below its own; layers on one row never import each other. */
const ROWS = [['gpu', 'cpu', 'camera', 'io'], ['tensor'], ['nn', 'capture', 'metrics'], ['nerf', 'clip'], ['edit'], ['eval'], ['index.ts', 'node.ts']]
const ROW_OF = new Map(ROWS.flatMap((layers, row) => layers.map(layer => [layer, row] as const)))

/** Outside users of the library: they see its public name and their own folder. Tests, benches and scripts may import anything. */
const USERS = ['cli', 'studio', 'viewer', 'examples']
const PUBLIC_NAME = 'faceclipnerf'

/** Where WGSL and the words of WebGPU's memory may stand. */
const KERNEL_FOLDERS = ['src/gpu/', 'src/cpu/', 'src/tensor/ops/']
const KERNEL_WORDS = /@compute\b|\bGPUBuffer\b/

interface Import {
  readonly to: string
  readonly line: number
  readonly isStatic: boolean
  readonly isType: boolean
}

/** All violations in a set of files (path from the root, with '/' -> source text), each one line that says what to do. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const parsed = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]))
  const found: string[] = []
  for (const [path, imports] of parsed) {
    for (const { to, line } of imports) {
      const problem = importProblem(path, to)
      if (problem) found.push(`${path}:${line}: imports '${to}': ${problem}`)
    }
    if (isSource(path) && !KERNEL_FOLDERS.some(folder => path.startsWith(folder))) found.push(...kernelWords(path, files.get(path) ?? ''))
  }
  return [...found, ...nodeOnlyImports(parsed)]
}

const isSource = (path: string): boolean => path.startsWith('src/')
const layerOf = (path: string): string => path.split('/')[1]

/** Why `path` may not import `to`, or undefined. */
function importProblem(path: string, to: string): string | undefined {
  const top = path.split('/')[0]
  if (to === 'webgpu' && (isSource(path) || USERS.includes(top)) && path !== 'src/node.ts') {
    return 'only src/node.ts opens Dawn; take a Device from openDevice()'
  }
  if (!to.startsWith('.')) return isSource(path) && to === PUBLIC_NAME ? 'the library does not import itself; import the file' : undefined
  const target = resolve(path, to)
  if (USERS.includes(top)) return target.startsWith(`${top}/`) ? undefined : `${top}/ is a user of the library; import from '${PUBLIC_NAME}'`
  if (!isSource(path)) return undefined
  if (!isSource(target)) return 'src/ imports only from src/'
  const [from, at] = [layerOf(path), layerOf(target)]
  if (from === at) return undefined
  const [fromRow, toRow] = [ROW_OF.get(from), ROW_OF.get(at)]
  if (fromRow === undefined || toRow === undefined)
    return `'${fromRow === undefined ? from : at}' has no row; add it to ROWS in scripts/importRules.mjs`
  if (from === 'node.ts' && at === 'index.ts') return undefined
  if (fromRow === toRow) return `${from} and ${at} share row ${fromRow} and must not know each other; move what both need to a lower row`
  if (fromRow < toRow) return `${from} (row ${fromRow}) is below ${at} (row ${toRow}); move the shared part down or pass it in as a function`
  return undefined
}

/** 'src/a/b.ts' + '../c/d.ts' -> 'src/c/d.ts' */
function resolve(path: string, to: string): string {
  const parts = path.split('/').slice(0, -1)
  for (const part of to.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function kernelWords(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const word = KERNEL_WORDS.exec(line)
    return word ? [`${path}:${i + 1}: contains '${word[0]}': only ${KERNEL_FOLDERS.join(', ')} may; put the kernel there`] : []
  })
}

/** src/index.ts must load in a browser: what it reaches by static imports has no 'node:' among them. */
function nodeOnlyImports(parsed: ReadonlyMap<string, Import[]>): string[] {
  const found: string[] = []
  const reached = new Map([['src/index.ts', 'src/index.ts']])
  for (const [path, trail] of reached) {
    for (const { to, line, isStatic, isType } of parsed.get(path) ?? []) {
      if (!isStatic || isType) continue
      if (to.startsWith('node:'))
        found.push(`${path}:${line}: imports '${to}', and a browser gets here (${trail}); use a dynamic import on Node's branch`)
      const target = to.startsWith('.') ? resolve(path, to) : undefined
      if (target && parsed.has(target) && !reached.has(target)) reached.set(target, `${trail} -> ${target}`)
    }
  }
  return found
}

/** Every import, export-from, dynamic import and import type of a file. */
function importsOf(path: string, text: string): Import[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false)
  const imports: Import[] = []
  const add = (node: ts.Node, literal: ts.Node | undefined, isStatic: boolean, isType: boolean): void => {
    if (!literal || !ts.isStringLiteralLike(literal)) return
    imports.push({ to: literal.text, line: source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, isStatic, isType })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, true, node.importClause?.isTypeOnly === true)
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, true, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, false, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node, node.arguments[0], false, false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return imports
}
