/** Reading fields of JSON that other programs wrote: what is used must make sense, or the error names it. */

/** An object of a JSON file; `where` is how errors call it ('ada/transforms.json: frame 3'). */
export interface Fields {
  readonly where: string
  /** A finite number; undefined when absent or null. Numbers written as text count. Throws for anything else. */
  number(name: string): number | undefined
  /** A whole number above 0. */
  pixels(name: string): number | undefined
  text(name: string): string | undefined
  flag(name: string): boolean
  list(name: string): unknown[] | undefined
  /** Finite numbers, row by row where the field is a matrix, of one of the lengths; written as text they count too. */
  numbers(name: string, lengths: readonly number[]): number[] | undefined
  /** An object inside; undefined when absent. */
  inner(name: string): Fields | undefined
  has(name: string): boolean
  /** The names of all fields. */
  names(): string[]
}

/** Throws, naming the value, unless it is an object. */
export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where}: ${show(value)} is not an object; write the file again`)
  const object = value as Record<string, unknown>
  const get = (name: string): unknown => (Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined)
  const wrong = (name: string, wanted: string): never => {
    throw new Error(`${where}: "${name}" is ${show(get(name))}; it must be ${wanted}`)
  }
  const number = (name: string): number | undefined => {
    const found = get(name)
    if (found === undefined) return undefined
    const value = asNumber(found)
    return typeof value === 'number' && Number.isFinite(value) ? value : wrong(name, 'a finite number')
  }
  return {
    where,
    number,
    pixels(name) {
      const value = number(name)
      // 1920.0 comes from programs that keep sizes as floats; a fraction of a pixel is a mistake
      if (value !== undefined && !(Number.isInteger(value) && value > 0 && value <= 65535)) return wrong(name, 'a whole number of pixels above 0')
      return value
    },
    text(name) {
      const value = get(name)
      return value === undefined || typeof value === 'string' ? value : wrong(name, 'text')
    },
    flag: name => get(name) === true || get(name) === 1,
    list(name) {
      const value = get(name)
      return value === undefined || Array.isArray(value) ? value : wrong(name, 'a list')
    },
    numbers(name, lengths) {
      const value = get(name)
      if (value === undefined) return undefined
      const flat = (Array.isArray(value) ? (value.flat() as unknown[]) : []).map(asNumber)
      if (lengths.includes(flat.length) && flat.every(item => Number.isFinite(item))) return flat as number[]
      return wrong(name, `${lengths.join(' or ')} finite numbers`)
    },
    inner: name => (get(name) === undefined ? undefined : fieldsOf(get(name), `${where}: ${name}`)),
    has: name => get(name) !== undefined,
    names: () => Object.keys(object),
  }
}

const asNumber = (value: unknown): unknown => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value)

/** Short, and with NaN as NaN. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_, item) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item)) ?? String(value)
  return text.length > 160 ? `${text.slice(0, 157)}...` : text
}
