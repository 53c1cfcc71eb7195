/** Where one is, as a signal that follows the address. */
import { signal } from '@preact/signals'
import { href, type Place, placeOf, type Query } from './address.ts'

export const route = signal<Place>(placeOf(location.hash))

window.addEventListener('hashchange', () => {
  const { path } = route.value
  route.value = placeOf(location.hash)
  // Another page begins at its top; browsers know only that the address changed behind `#`.
  if (route.value.path !== path) window.scrollTo({ top: 0 })
})

export function go(path: string, query?: Query): void {
  location.hash = href(path, query)
}

/** For filters: the address changes, going back does not stop at every letter. */
export function goInstead(path: string, query?: Query): void {
  history.replaceState(null, '', href(path, query))
  route.value = placeOf(location.hash)
}

const PLACE = 'purser.place'
export const SIGN_IN = '/sign-in'

/** A provider of sign-ins sends people back to the bare address: where they wanted to go is kept by this tab meanwhile. */
export function keepPlace(): void {
  if (route.value.path !== SIGN_IN) sessionStorage.setItem(PLACE, location.hash)
}

/** Once signed in: to the place that was kept, unless the address names one itself. */
export function toKeptPlace(): void {
  const kept = sessionStorage.getItem(PLACE) ?? ''
  sessionStorage.removeItem(PLACE)
  const isNowhere = location.hash === '' || route.value.path === SIGN_IN
  if (!isNowhere) return
  history.replaceState(null, '', kept.startsWith('#') ? kept : href('/'))
  route.value = placeOf(location.hash)
}
