/** The folder of the package: what runs stands in `src/`, or built in `dist/`, right below it. */
export const PACKAGE_ROOT: URL = new URL('..', import.meta.url)
