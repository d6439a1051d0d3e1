/** The files that `faceclipnerf studio FILE` was given. A studio served as static files has none. */
import type { NamedBytes } from '../protocol/messages.ts'

/** Throws when the server names a file that it then does not give. */
export async function servedFiles(): Promise<NamedBytes[]> {
  const response = await fetch(new URL('session.json', document.baseURI)).catch(() => undefined)
  if (!response?.ok || !response.headers.get('content-type')?.includes('json')) return []
  const { files } = (await response.json()) as { files: { name: string; path: string }[] }
  return await Promise.all(
    files.map(async ({ name, path }) => {
      const found = await fetch(new URL(path, document.baseURI)).catch(() => undefined)
      if (!found?.ok) throw new Error(`${name}: the studio's server does not give it any more; start faceclipnerf studio again`)
      return { name, bytes: new Uint8Array(await found.arrayBuffer()) }
    }),
  )
}
