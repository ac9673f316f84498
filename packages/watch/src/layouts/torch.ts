import type { Layout } from './layout.ts'
import { readSingleFile } from './single-file.ts'

/**
 * Files of `torch.save`. A zip archive is complete if its directory exists. A file from before PyTorch 1.6 is complete
 * if it has the storages that its pickle names.
 */
export const torch: Layout = {
  name: 'torch',
  title: 'PyTorch files (*.pth, *.pt, *.ckpt)',
  patterns: ['*.pth', '*.pt', '*.ckpt', '*.pth.tar'],
  read: (contents) => readSingleFile(contents),
}
