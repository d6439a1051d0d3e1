/** The public API, in every environment. */
export type { Device } from './tensor/device.ts'
export { type OpenDeviceOptions, openDevice } from './tensor/openDevice.ts'
