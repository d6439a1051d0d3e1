/** Parses the JSON of a file. Throws, naming the file and the remedy, for text that is none. */
export function parseJson(text: string, name: string, remedy: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${name}: not JSON (${error instanceof Error ? error.message : error}); ${remedy}`)
  }
}
