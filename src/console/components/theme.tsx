/** Light, dark, or as the system says. */
import { effect, signal } from '@preact/signals'

const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]
const KEPT = 'purser.theme'

const theme = signal<Theme>(THEMES.find((one) => one === localStorage.getItem(KEPT)) ?? 'system')
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)')
/** Changes whenever colours do: for what is painted and not styled. */
export const colours = signal(0)

effect(() => {
  document.documentElement.dataset.theme = theme.value
  localStorage.setItem(KEPT, theme.value)
  colours.value = colours.peek() + 1
})
systemIsDark.addEventListener('change', () => {
  colours.value += 1
})

export function ThemeChoice() {
  return (
    <label class="theme">
      <span class="visually-hidden">Colours</span>
      <select
        value={theme.value}
        onChange={({ currentTarget: { value } }) => {
          theme.value = THEMES.find((one) => one === value) ?? 'system'
        }}
      >
        <option value="system">Colours: system</option>
        <option value="light">Colours: light</option>
        <option value="dark">Colours: dark</option>
      </select>
    </label>
  )
}
