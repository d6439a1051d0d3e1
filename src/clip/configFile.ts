/** JSON files of a model folder, checked against a schema; errors name the file, the field, its value and what to do. */

import { z } from 'zod'
import { parseJson } from '../io/json.ts'

/** A whole number of at least 1. */
export const count = z.int().positive()

/**
 * Parses a file; `file` is how errors call it. @param prepare puts what JSON holds into the schema's form.
 * Throws when it is not JSON or a field does not fit.
 */
export function parseConfigFile<T>(
  schema: z.ZodType<T>,
  json: string,
  file: string,
  remedy: string,
  prepare: (value: unknown) => unknown = value => value,
): T {
  const value = prepare(parseJson(json, file, remedy))
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = issue.path.map(String)
  const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value)
  const where = path.length > 0 ? `field ${path.join('.')} is ${found === undefined ? 'missing' : JSON.stringify(found)}` : 'not an object'
  throw new Error(`${file}: ${where} (${issue.message}); ${remedy}`)
}
