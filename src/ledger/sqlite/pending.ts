/**
 * Pending: rows that tables hold in memory and write once, right before the commit, however often they were changed until
 * then. Whoever asks a table by id sees them; before rows are looked for in the file itself, they are written into it.
 */

/** A table of which rows are in memory. */
export interface Behind {
  /** Rows that would be written with their next change are to be written now; true where there are any. */
  callIn?(): boolean
  /** Writes what was changed into the open transaction. */
  write?(): void
  /** All of it is committed. */
  committed?(): void
  /** Forgets all rows: what stands in the file is what holds. */
  forget(): void
}

export class Pending {
  readonly #tables: Behind[] = []
  readonly #undo: (() => void)[] = []

  join(table: Behind): void {
    this.#tables.push(table)
  }

  /** `back` runs where the present operation is undone. */
  onUndo(back: () => void): void {
    this.#undo.push(back)
  }

  /** The operation is complete. */
  keep(): void {
    this.#undo.length = 0
  }

  /** Takes back what was changed in memory since the last `keep`. */
  takeBack(): void {
    for (let back = this.#undo.pop(); back; back = this.#undo.pop()) back()
  }

  /** Whoever looks into the file is to find everything: true where something has to be written that waited. */
  callIn(): boolean {
    return this.#tables.filter((table) => table.callIn?.()).length > 0
  }

  /** Writes all rows that are pending into the open transaction. */
  write(): void {
    for (const table of this.#tables) table.write?.()
  }

  committed(): void {
    this.#undo.length = 0
    for (const table of this.#tables) table.committed?.()
  }

  forget(): void {
    this.#undo.length = 0
    for (const table of this.#tables) table.forget()
  }
}
