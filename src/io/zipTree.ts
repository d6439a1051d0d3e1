/** A zip file as a tree, read entry by entry and never unpacked to disk (Node only). */
import type { Entry, ZipFile } from 'yauzl'
import { type FileTree, sortPaths } from './fileTree.ts'
import { crc32 } from './png.ts'

/** An entry larger than this is no picture and no pose file. */
const LARGEST_ENTRY = 2 ** 30
/** All entries together: hours of pictures. */
const LARGEST_TOTAL = 2 ** 38
const MOST_ENTRIES = 200_000
/** Deflate reaches about 1030:1 on zeros; pictures and JSON stay far below this. Small entries may be as regular as they like. */
const LARGEST_RATIO = 200
const SMALL = 2 ** 22

/**
 * Opens a zip. Refused, each by name: entries that would lead out of the folder, links, encrypted entries, and zip bombs (an entry of more than 1 GiB,
 * more than 200 times its packed size, entries that share their bytes, or too many). Sizes are checked again as the bytes come.
 */
export async function zipTree(path: string): Promise<FileTree> {
  const { openPromise } = await import('yauzl')
  const { basename } = await import('node:path')
  const zip = await openPromise(path, { autoClose: false, decodeStrings: true, validateEntrySizes: true }).catch((error: Error) => {
    throw new Error(`${path}: cannot be read as a zip (${error.message}); copy or make the file again`)
  })
  const entries = new Map<string, Entry>()
  try {
    for await (const entry of zip.eachEntry()) {
      // some programs write './images/a.png'
      const name = entry.fileName.replaceAll(/(^|\/)(\.?\/)+/g, '$1')
      if (name.endsWith('/') || /(^|\/)(__MACOSX\/|\.)/.test(name)) continue
      check(entry, path)
      if (entries.has(name)) throw new Error(`${path}: the entry "${name}" is there twice; make the zip again`)
      entries.set(name, entry)
      if (entries.size > MOST_ENTRIES) throw new Error(`${path}: more than ${MOST_ENTRIES} entries; zip one capture alone`)
    }
    checkTogether([...entries.values()], zip.fileSize, path)
  } catch (error) {
    zip.close()
    // yauzl refuses '../' and absolute names on its own
    const text = error instanceof Error ? error.message : String(error)
    throw text.startsWith(path) ? error : new Error(`${path}: refused (${text}); make the zip again from the capture's own files`)
  }
  const find = (file: string): Entry => {
    const entry = entries.get(file)
    if (!entry) throw new Error(`${path}/${file}: no such entry; restore it or correct what refers to it`)
    return entry
  }
  const children = (folder: string): string[] => {
    const prefix = folder === '' || folder === '.' ? '' : `${folder}/`
    const inside = [...entries.keys()].filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length).split('/')[0])
    return [...new Set(inside)].sort()
  }
  return {
    name: basename(path).replace(/\.zip$/i, ''),
    where: path,
    describe: file => `${path}/${file}`,
    read: file => unpack(zip, find(file), path),
    exists: async file => entries.has(file),
    list: async folder => children(folder),
    files: sortPaths([...entries.keys()]),
    warnings: [],
    close: async () => zip.close(),
  }
}

function check(entry: Entry, path: string): void {
  const { fileName, uncompressedSize: size, compressedSize: packed } = entry
  const where = `${path}: the entry "${fileName}"`
  if (isLink(entry)) throw new Error(`${where} is a link; zip the files themselves`)
  if (entry.isEncrypted()) throw new Error(`${where} is encrypted; make the zip without a password`)
  if (!entry.canDecodeFileData())
    throw new Error(`${where} is packed by method ${entry.compressionMethod}; make the zip with deflate, the usual method`)
  if (size > LARGEST_ENTRY) throw new Error(`${where} unpacks to ${size} bytes, more than ${LARGEST_ENTRY}; this is no capture`)
  if (size > SMALL && size > LARGEST_RATIO * packed)
    throw new Error(`${where} unpacks ${packed} bytes to ${size}, more than ${LARGEST_RATIO} times as many; refused as a zip bomb`)
}

function checkTogether(entries: Entry[], fileSize: number, path: string): void {
  const sum = (size: (entry: Entry) => number): number => entries.reduce((total, entry) => total + size(entry), 0)
  // entries that share their packed bytes give much from little without a high ratio
  if (sum(entry => entry.compressedSize) > fileSize) throw new Error(`${path}: its entries overlap; refused as a zip bomb`)
  const total = sum(entry => entry.uncompressedSize)
  if (total > LARGEST_TOTAL) throw new Error(`${path}: unpacks to ${total} bytes, more than ${LARGEST_TOTAL}; zip one capture alone`)
}

/** Unix keeps the kind of a file in the upper half of the external attributes. */
function isLink(entry: Entry): boolean {
  return entry.versionMadeBy >> 8 === 3 && ((entry.externalFileAttributes >>> 16) & 0xf000) === 0xa000
}

async function unpack(zip: ZipFile, entry: Entry, path: string): Promise<Uint8Array> {
  try {
    const stream = await zip.openReadStreamPromise(entry)
    const bytes = new Uint8Array(entry.uncompressedSize)
    let at = 0
    for await (const chunk of stream) {
      bytes.set(chunk, at) // yauzl ends the stream with an error before more than uncompressedSize
      at += chunk.length
    }
    if (at !== bytes.length) throw new Error(`${at} bytes instead of ${bytes.length}`)
    if (crc32(bytes) !== entry.crc32) throw new Error('its checksum does not fit') // yauzl leaves this to us
    return bytes
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new Error(`${path}/${entry.fileName}: the entry is damaged (${text}); copy or make the zip again`)
  }
}
