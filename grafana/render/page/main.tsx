/** The page's entry: draws the scene that the job has put into the window and says when it is finished. */
import { createTheme, dateTime, EventBusSrv, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelContextProvider, PortalContainer } from '@grafana/ui';
import type { ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import type { Scene } from '../scene.js';
import { Dashboard } from './dashboard.js';
import { prepare, type Surroundings } from './panel.js';
import { fillRegistries } from './plugins.js';

declare global {
  interface Window {
    scene: Scene;
  }
}

/** Grafana measures texts before it places them: the fonts that its styles name must be there first. */
async function loadFonts(family: string): Promise<void> {
  for (const weight of [400, 500]) {
    const loaded = await document.fonts.load(`${weight} 14px ${family}`);
    if (loaded.length === 0) throw new Error(`the font ${family} of weight ${weight} is not declared`);
  }
}

async function show(scene: Scene): Promise<void> {
  fillRegistries();
  const theme = createTheme({ colors: { mode: 'dark' } });
  const [from, to] = [dateTime(scene.from * 1000), dateTime(scene.to * 1000)];
  const around: Surroundings = {
    scene,
    theme,
    timeRange: { from, to, raw: { from, to } },
    timeZone: 'utc',
  };
  const panels = await Promise.all(scene.panels.map((panel) => prepare(panel, around)));
  const place = document.createElement('div');
  document.body.append(place);
  const root = createRoot(place);
  const draw = (content?: ReactNode): void =>
    flushSync(() =>
      root.render(
        <ThemeContext.Provider value={theme}>
          <GlobalStyles />
          {content}
        </ThemeContext.Provider>,
      ),
    );
  draw();
  await loadFonts(theme.typography.fontFamily);
  draw(
    <PanelContextProvider value={{ eventsScope: 'global', eventBus: new EventBusSrv() }}>
      <Dashboard panels={panels} around={around} width={window.innerWidth} />
      <PortalContainer />
    </PanelContextProvider>,
  );
  document.title = scene.title;
  document.body.dataset['panels'] = String(panels.length);
}

show(window.scene).catch((error: unknown) => {
  document.body.dataset['failure'] = error instanceof Error ? error.message : String(error);
});
