/** After each test: no kernel that it ran on a watched device has left its buffers. */
import { afterEach } from 'vitest'
import { outOfBounds } from './boundsWatch.ts'

afterEach(async () => {
  const left = await outOfBounds()
  if (left.length > 0) throw new Error(left.join('; '))
})
