/** Keyboard shortcuts: pages say what they offer, one listener finds it, a dialog lists it. People can turn them off. */
import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { keySequence, type Shortcut } from '../keys.ts'
import { Dialog } from './dialog.tsx'

/** Those on the page now, later ones win. */
const offered = signal<readonly Shortcut[][]>([])
const OFF = 'purser.shortcuts.off'
const isOff = signal(localStorage.getItem(OFF) !== null)
export const isHelpOpen = signal(false)

/** Offers them as long as the component is there. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts)
  newest.current = shortcuts
  useEffect(() => {
    // Run as they are at the press, so that nobody decides on what was shown a moment ago.
    const run = (keys: string) => newest.current.find((shortcut) => shortcut.keys === keys)?.run()
    const own = newest.current.map(({ keys, does }) => ({ keys, does, run: () => run(keys) }))
    offered.value = [...offered.value, own]
    return () => {
      offered.value = offered.value.filter((group) => group !== own)
    }
  }, [])
}

const read = keySequence()

window.addEventListener('keydown', (event) => {
  if (isOff.value || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping(event.target)) return
  const keys = read(event.key, event.timeStamp)
  const found = offered.value.flat().findLast((shortcut) => shortcut.keys === keys)
  if (!found) return
  event.preventDefault()
  found.run()
})

/** Letters belong to fields, and to a dialog that is open. */
function isTyping(target: EventTarget | null): boolean {
  if (document.querySelector('dialog[open]')) return true
  return target instanceof HTMLElement && target.closest('input, select, textarea, [contenteditable]') !== null
}

export function ShortcutHelp() {
  if (!isHelpOpen.value) return null
  const close = () => {
    isHelpOpen.value = false
  }
  return (
    <Dialog title="Keyboard" onClose={close}>
      <dl class="keys">
        {offered.value.flat().map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={!isOff.value}
          onChange={({ currentTarget: { checked } }) => {
            isOff.value = !checked
            if (checked) localStorage.removeItem(OFF)
            else localStorage.setItem(OFF, '1')
          }}
        />
        Listen to single keys
      </label>
      <div class="actions">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
