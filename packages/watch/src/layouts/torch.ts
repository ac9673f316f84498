import type { Layout } from './layout.ts'
import { readSingleFile } from './single-file.ts'

/**
 * What `torch.save` writes. A zip archive is complete once its directory is there, and a file of before PyTorch 1.6 once
 * the storages are that its pickle names.
 */
export const torch: Layout = {
  name: 'torch',
  title: 'PyTorch files (*.pth, *.pt, *.ckpt)',
  patterns: ['*.pth', '*.pt', '*.ckpt', '*.pth.tar'],
  read: (contents) => readSingleFile(contents),
}
