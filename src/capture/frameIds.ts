/** Frame ids from file names. */

/** Names that Windows keeps for devices. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/i

/**
 * An id for each path, in order: the file's name without its extension, with the folders in front where names repeat. Letters of any script stay
 * (composed, so that one name is one id on every system); what a file name or a URL cannot carry becomes '_'. Unique also where case does not count.
 */
export function frameIds(paths: readonly string[]): string[] {
  const stems = paths.map(path => path.replace(/\.[^./]+$/, '').split('/'))
  const taken = new Set<string>()
  const names = count(stems.map(parts => clean(parts[parts.length - 1])))
  return stems.map(parts => {
    const short = clean(parts[parts.length - 1])
    const wanted = (names.get(short.toLowerCase()) ?? 0) > 1 ? clean(parts.join('_')) : short
    let id = wanted
    for (let i = 2; taken.has(id.toLowerCase()); i++) id = `${wanted}_${i}`
    taken.add(id.toLowerCase())
    return id
  })
}

function clean(name: string): string {
  const safe = name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}\p{M}._-]+/gu, '_')
    .replace(/^[._]+|\.+$/g, '')
    .slice(0, 100)
  return safe === '' || RESERVED.test(safe) ? `frame_${safe}` : safe
}

function count(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
  return counts
}
