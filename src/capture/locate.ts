/** Finding the pictures that a pose file names, also where the name is not quite right. */
import { type FileTree, insidePath } from '../io/fileTree.ts'

/** What can be read as a picture, in the order in which a missing extension is tried. */
export const PICTURE_EXTENSIONS = ['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff', 'avif', 'heic', 'heif']

export const isPicture = (path: string): boolean => PICTURE_EXTENSIONS.includes(/\.([^./]+)$/.exec(path)?.[1].toLowerCase() ?? '')

export interface Located {
  path: string
  /** Set when the file is not where the name says. */
  repair?: string
}

/** The file a name means, or undefined. A mask is not taken for a picture, nor, where there are several, a picture for a mask. */
export type Locate = (name: string, kind?: 'picture' | 'mask') => Located | undefined

/**
 * Looks names up below `folder` of a tree: as given, with an extension added, with another case, and last by the end of the path (absolute paths and
 * '../images/x.png' of another machine): the file with most of the name's folders above it, if that is one only. A path never leads out of the tree: only its own files are looked through.
 */
export function locator(tree: FileTree, folder = ''): Locate {
  const byPath = new Map(tree.files.map(path => [key(path), path]))
  const bySuffix = new Map<string, string[]>()
  for (const path of tree.files.filter(isPicture)) {
    const name = key(path.slice(path.lastIndexOf('/') + 1))
    for (const form of new Set([name, stem(name)])) bySuffix.set(form, [...(bySuffix.get(form) ?? []), path])
  }
  const exact = new Set(tree.files)
  return (name, kind = 'picture') => {
    const inside = insidePath(name, folder)
    if (inside !== undefined) {
      if (exact.has(inside)) return { path: inside }
      // an extension is added also where a dot in the name looks like one: 'IMG.0001'
      for (const extension of PICTURE_EXTENSIONS) {
        const path = byPath.get(key(`${inside}.${extension}`))
        if (path !== undefined) return { path }
      }
      const other = byPath.get(key(inside))
      if (other !== undefined) return { path: other, repair: `"${name}" is spelt "${other}" on disk` }
    }
    const last = name.replaceAll('\\', '/').split('/').at(-1) ?? ''
    const found = bySuffix.get(key(last)) ?? bySuffix.get(stem(key(last))) ?? []
    const nearest = likeliest(inside === undefined ? found : found.filter(path => sharesFolder(path, name)), name, kind)
    return nearest === undefined ? undefined : { path: nearest, repair: `"${name}" was found as "${nearest}"` }
  }
}

/** One spelling for every system: composed letters, no case. */
const key = (path: string): string => path.normalize('NFC').toLowerCase()
const stem = (name: string): string => name.replace(/\.[^./]+$/, '')

/** A path inside the tree that is not there is only taken for another file when the folder's name agrees: 'val/0001.png' is not 'train/0001.png'. */
function sharesFolder(path: string, name: string): boolean {
  const folder = (text: string): string | undefined => key(text).replaceAll('\\', '/').split('/').at(-2)
  return folder(name) === undefined || folder(name) === '.' || folder(name) === folder(path)
}

const MASKS = /(^|\/)masks?\//i
const OTHERS = /(^|\/)(masks?|depths?|normals?)\//i
const REDUCED = /(^|\/)images_\d+\//i

/** Without what lies beside pictures under their names: masks, depths, normals, and reduced copies where there is more than those. */
export function properPictures(paths: readonly string[]): string[] {
  const pictures = paths.filter(path => !OTHERS.test(path))
  const full = pictures.filter(path => !REDUCED.test(path))
  return full.length > 0 ? full : pictures
}

/** The path that has most of the name's folders above it; of several the one in a folder of its kind. Undefined when that leaves more than one, or none. */
function likeliest(paths: readonly string[], name: string, kind: 'picture' | 'mask'): string | undefined {
  const shared = paths.map(path => sharedFolders(path, name))
  const most = Math.max(...shared)
  const best = paths.filter((_, i) => shared[i] === most)
  const isCertain = best.length === 1 && (most > 0 || kind === 'mask')
  const proper = isCertain ? best : kind === 'picture' ? properPictures(best) : best.filter(path => MASKS.test(path))
  return proper.length === 1 ? proper[0] : undefined
}

/** How many folders right above the file have the same names. */
function sharedFolders(path: string, name: string): number {
  const [a, b] = [path, name].map(text => key(text).replaceAll('\\', '/').split('/').slice(0, -1).reverse())
  const differs = a.findIndex((part, i) => part !== b[i])
  return differs < 0 ? a.length : differs
}

/** 'a.png, b.png and 3 more' */
export function someOf(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}
