import type { StoreContext } from './context/context.ts'
import { inBackground } from './context/in-background.ts'
import type { StoreOptions } from './options.ts'
import type { Ranks } from './ranks/ranks.ts'
import { type BackgroundSave, BackgroundSaves } from './save/background.ts'
import { planAndSave, type SaveAccess } from './save/plan-and-save.ts'
import { type DecidedSave, decideSave } from './save/decided-save.ts'
import { assertSaveRequest, type SaveRequest } from './save/request.ts'
import type { SaveResult } from './save/result.ts'
import { SavesInOrder } from './save/saves-in-order.ts'
import { traced } from './tracing.ts'

type Save = (request: DecidedSave) => Promise<SaveResult>

/** The saves of an open store. Its caller waits for some of them, and others run in the background. */
export class Saves {
  readonly #context: StoreContext
  readonly #now: Save
  readonly #background: BackgroundSaves
  readonly #inOrder = new SavesInOrder()
  readonly #afterwards: () => void

  /**
   * `ranks` is defined if this process saves together with the other ranks of its job. `afterwards` is called after each
   * save.
   */
  constructor(
    context: StoreContext,
    access: SaveAccess,
    ranks: Ranks | undefined,
    options: Pick<StoreOptions, 'background'>,
    afterwards: () => void,
  ) {
    const alone =
      (own: StoreContext): Save =>
      (request) =>
        planAndSave(own, access, request)
    const together = ranks && ((request: DecidedSave) => ranks.save(request))
    const later = together ?? alone(inBackground(context))
    this.#context = context
    this.#now = together ?? alone(context)
    this.#background = new BackgroundSaves(
      (request) => this.#run(later, request),
      context,
      options.background,
    )
    this.#afterwards = afterwards
  }

  /** Saves a checkpoint, and resolves when it is committed. */
  async save(request: SaveRequest): Promise<SaveResult> {
    return this.#run(this.#now, request)
  }

  /** Copies the bytes of the request, and resolves when the save may run. */
  async saveInBackground(request: SaveRequest): Promise<BackgroundSave> {
    return this.#background.start(request)
  }

  /** Waits for all saves in the background. Throws the errors that no caller has read. */
  async flush(): Promise<void> {
    await this.#background.flush()
  }

  async #run(save: Save, given: SaveRequest): Promise<SaveResult> {
    assertSaveRequest(given)
    const request = decideSave(given, this.#context)
    const { step, signal } = request
    const saved = await traced('save', { store: this.#context.backend.url, step }, () =>
      this.#inOrder.run(step, signal, () => save(request)),
    )
    this.#afterwards()
    return saved
  }
}
