// Node-RED for the flow beside it: on this machine alone, without the editor. Take `httpAdminRoot` away to edit, after
// having set adminAuth (https://nodered.org/docs/user-guide/runtime/securing-node-red).
module.exports = {
  uiHost: "127.0.0.1",
  uiPort: 1880,
  httpAdminRoot: false,
  flowFile: "flows.json",
  credentialSecret: false,
  editorTheme: { tours: false },
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
