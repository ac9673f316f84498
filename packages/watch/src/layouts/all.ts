import { dcp } from './dcp.ts'
import { huggingFace } from './hugging-face.ts'
import { keras } from './keras.ts'
import type { Layout } from './layout.ts'
import { lerobot } from './lerobot.ts'
import { lightning } from './lightning.ts'
import { numbered } from './numbered.ts'
import { orbax } from './orbax.ts'
import { safetensors } from './safetensors.ts'
import { torch } from './torch.ts'

export const layoutNames = [
  'hugging-face',
  'lerobot',
  'dcp',
  'orbax',
  'lightning',
  'keras',
  'safetensors',
  'torch',
  'numbered',
] as const

/** The name of a checkpoint format. */
export type LayoutName = (typeof layoutNames)[number]

export const layouts: Readonly<Record<LayoutName, Layout>> = {
  'hugging-face': huggingFace,
  lerobot,
  dcp,
  orbax,
  lightning,
  keras,
  safetensors,
  torch,
  numbered,
}

/**
 * The layouts that are recognised by content, the most specific first, because a folder of the first may contain files
 * of the last. Any program may number folders, so `numbered` must be chosen by name.
 */
export const detectableLayouts: readonly Layout[] = layoutNames
  .filter((name) => name !== 'numbered')
  .map((name) => layouts[name])
