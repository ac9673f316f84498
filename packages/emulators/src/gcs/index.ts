export { type GcsAccess, type GcsEmulator, type GcsEmulatorOptions, startGcsEmulator } from './emulator.ts'
