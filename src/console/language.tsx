/** Browsers under a bare POSIX locale name a language that is none, and the library of the plots then throws while it loads. */
const { language } = navigator

try {
  Intl.getCanonicalLocales(language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-GB', configurable: true })
}
