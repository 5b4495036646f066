/** Switches between the system's theme, light and dark. */

import { useState } from "react";

import { Button } from "../parts/Button";
import type { IconName } from "../parts/icons";
import { rememberedTheme, rememberTheme, THEMES, type Theme } from "./theme";

const ICONS: Record<Theme, IconName> = { system: "system", light: "sun", dark: "moon" };

export function ThemeSwitch() {
  const [theme, setTheme] = useState(rememberedTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <Button
      kind="quiet"
      bare
      icon={ICONS[theme]}
      title={`Theme: ${theme}. Press for ${next}.`}
      onClick={() => {
        rememberTheme(next);
        setTheme(next);
      }}
    >
      {`Theme: ${theme}`}
    </Button>
  );
}
