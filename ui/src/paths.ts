/** Addresses of the pages; names hold any character, so they are encoded here and nowhere else. */

const part = encodeURIComponent;

export const runPath = (id: string): string => `/runs/${part(id)}`;
export const taskPath = (run: string, key: string): string =>
  `/runs/${part(run)}/task?key=${part(key)}`;
export const comparePath = (a: string, b: string): string => `/runs/${part(a)}/compare/${part(b)}`;
export const flowPath = (name: string): string => `/flows/${part(name)}`;
export const datasetPath = (name: string): string => `/dataset?name=${part(name)}`;
