/** Files in and out of the page. */
import type { NamedBytes } from '../protocol/messages.ts'

/** The bytes of picked files. An empty one, which a dropped folder looks like, comes with no bytes. */
export async function readFiles(files: Iterable<File>): Promise<NamedBytes[]> {
  return await Promise.all(
    [...files].map(async file => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer().catch(() => new ArrayBuffer(0))) })),
  )
}

export const readDropped = (data: DataTransfer): Promise<NamedBytes[]> => readFiles(data.files)

/** Hands bytes to the person as a file of this name. */
export function download({ name, bytes }: NamedBytes): void {
  const url = URL.createObjectURL(new Blob([bytes]))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser takes its copy at the click; some later.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
