/** The devices that tests run on, opened once per test file. The first is the reference that the others are compared with. */
import { afterAll } from 'vitest'
import type { Device } from '../../src/tensor/device.ts'
import { plainDevice } from './plainDevice.ts'

export interface TestDevice {
  readonly name: string
  readonly device: Device
  /** Compiles and validates, but computes nothing: its numbers mean nothing. */
  readonly compileOnly?: boolean
  /** Must give the same bits as every other device so marked. */
  readonly sameBits?: boolean
}

let opened: Promise<TestDevice[]> | undefined

/** Every device of this machine, the reference first. Opened on the first call, closed after the file's last test. */
export function testDevices(): Promise<TestDevice[]> {
  opened ??= open()
  return opened
}

async function open(): Promise<TestDevice[]> {
  return [
    { name: 'reference', device: plainDevice('single') },
    { name: 'reference in double precision', device: plainDevice('double') },
  ]
}

afterAll(async () => {
  for (const { device } of (await opened) ?? []) device[Symbol.dispose]()
})
