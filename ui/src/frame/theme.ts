/** Dark, light, or as the system has it: remembered in this browser. */

export type Theme = "system" | "light" | "dark";

const PLACE = "orchestrator.theme";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function rememberedTheme(): Theme {
  try {
    const found = localStorage.getItem(PLACE) as Theme | null;
    return found && THEMES.includes(found) ? found : "system";
  } catch {
    return "system";
  }
}

/** Colour the page; what draws on a canvas hears of it by the event "themechange". */
export function applyTheme(theme: Theme): void {
  const page = document.documentElement;
  if (theme === "system") page.removeAttribute("data-theme");
  else page.setAttribute("data-theme", theme);
  window.dispatchEvent(new Event("themechange"));
}

export function rememberTheme(theme: Theme): void {
  try {
    localStorage.setItem(PLACE, theme);
  } catch {
    // A browser that keeps nothing shows the theme until the page is left.
  }
  applyTheme(theme);
}
