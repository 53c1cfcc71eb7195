/** The form above a list: what it says stands in the address, so that a link carries it. */
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { href } from '../address.ts'
import { words } from '../format.ts'
import { go } from '../router.tsx'
import { type FilterField, localOf, momentOf } from './list-filter.ts'
import { fieldOf } from './parts.tsx'

export interface FiltersProps {
  readonly path: string
  /** Further members of the address that stay. */
  readonly kept?: Readonly<Record<string, string>>
  readonly fields: readonly FilterField[]
  readonly filter: Readonly<Record<string, string>>
  /** Tiers that are known, as suggestions. */
  readonly tiers: readonly string[]
}

export function Filters({ path, kept = {}, fields, filter, tiers }: FiltersProps) {
  const [usual, rare] = [fields.filter(({ isRare }) => !isRare), fields.filter(({ isRare }) => isRare)]
  const [isOpen, setOpen] = useState(rare.some(({ name }) => filter[name] !== undefined))
  const apply = (form: HTMLFormElement) => {
    const data = new FormData(form)
    go(path, { ...kept, ...Object.fromEntries(fields.map((field) => [field.name, saidIn(field, data)])) })
  }
  const field = (one: FilterField) => <Field key={one.name} field={one} />
  const form = useRef<HTMLFormElement>(null)
  useLayoutEffect(() => {
    for (const one of fields) write(form.current, one, filter[one.name] ?? '')
  })
  const isFiltered = Object.keys(filter).length > 0
  return (
    <search aria-label="Filter">
      <form
        ref={form}
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          apply(event.currentTarget)
        }}
        onChange={(event) => {
          if (isChosen(event.target)) apply(event.currentTarget)
        }}
      >
        <div class="fields">
          {usual.map(field)}
          <div class="actions">
            <button type="submit">Apply</button>
            {isFiltered && <a href={href(path, kept)}>Clear</a>}
          </div>
        </div>
        <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>More filters</summary>
          <div class="fields">{rare.map(field)}</div>
        </details>
        <datalist id="tiers">
          {tiers.map((tier) => (
            <option key={tier} value={tier} />
          ))}
        </datalist>
      </form>
    </search>
  )
}

/** A choice is made in one go; a text is ready when its writer says so. */
function isChosen(field: EventTarget | null): boolean {
  return field instanceof HTMLSelectElement || (field instanceof HTMLInputElement && field.type === 'checkbox')
}

/** The address decides what a field says, except where somebody is writing. */
function write(form: HTMLFormElement | null, { name, kind }: FilterField, value: string): void {
  const field = form?.elements.namedItem(name)
  if (field === document.activeElement && kind !== 'choice') return
  if (field instanceof HTMLSelectElement) field.value = value
  else if (field instanceof HTMLInputElement && kind === 'flag') field.checked = value === 'true'
  else if (field instanceof HTMLInputElement) field.value = kind === 'time' ? localOf(value) : value
}

function saidIn({ name, kind }: FilterField, data: FormData): string | undefined {
  const text = fieldOf(data, name).trim()
  return kind === 'time' ? momentOf(text) : text
}

function Field({ field: { name, label, kind, options = [], example } }: { readonly field: FilterField }) {
  const id = useId()
  if (kind === 'flag') {
    return (
      <label class="check">
        <input type="checkbox" name={name} value="true" /> {label}
      </label>
    )
  }
  return (
    <label for={id}>
      {label}
      {kind === 'choice' ? (
        <select id={id} name={name}>
          <option value="">all</option>
          {options.map((option) => (
            <option key={option} value={option}>
              {words(option)}
            </option>
          ))}
        </select>
      ) : kind === 'time' ? (
        <input id={id} type="datetime-local" name={name} />
      ) : (
        <input
          id={id}
          name={name}
          placeholder={example ?? ''}
          autocomplete="off"
          spellcheck={false}
          list={name === 'tier' ? 'tiers' : undefined}
          maxLength={200}
        />
      )}
    </label>
  )
}
