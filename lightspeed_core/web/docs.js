// Shows this server's own API document. Requests go to the server that the page came from, under
// whatever path a proxy publishes it.
const answer = await fetch("openapi.json");
const spec = await answer.json();
const here = new URL(".", location.href).pathname.replace(/\/$/, "");
spec.servers = [{ url: here || "/", description: "This server" }, ...spec.servers];

SwaggerUIBundle({
  spec,
  dom_id: "#swagger-ui",
  deepLinking: true,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  // The default asks a server elsewhere to validate the document.
  validatorUrl: null,
});
