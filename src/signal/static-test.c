#include "test-client.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  TestServer server;
  char *root, *outside;
} Page;

static void
write_file (const char *dir, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
page_start (Page *page)
{
  g_autofree char *base = g_dir_make_tmp ("mixroom-static-XXXXXX", NULL);
  page->root = g_build_filename (base, "web", NULL);
  page->outside = g_steal_pointer (&base);
  g_autofree char *sub = g_build_filename (page->root, "panels", NULL);
  g_autofree char *link = g_build_filename (page->root, "link.txt", NULL);
  g_autofree char *link_dir = g_build_filename (page->root, "up", NULL);
  g_autofree char *setting = g_strconcat ("server.web_root=", page->root, NULL);

  g_mkdir_with_parents (sub, 0700);
  write_file (page->outside, "secret.txt", "the secret");
  write_file (page->root, "index.html", "<title>Mixroom</title>");
  write_file (page->root, ".hidden", "the secret");
  write_file (page->root, "app.js", "0123456789");
  write_file (sub, "side.js", "side");
  g_assert_cmpint (symlink ("../secret.txt", link), ==, 0);
  g_assert_cmpint (symlink ("..", link_dir), ==, 0);
  test_server_start (&page->server, setting, NULL);
}

static void
page_stop (Page *page)
{
  test_server_stop (&page->server);
  const char *const names[] = { "web/panels/side.js",
                                "web/panels",
                                "web/index.html",
                                "web/.hidden",
                                "web/app.js",
                                "web/link.txt",
                                "web/up",
                                "web",
                                "secret.txt",
                                "" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (page->outside, names[i], NULL);
    g_remove (path);
  }
  g_free (page->root);
  g_free (page->outside);
}

static char *
get (Page *page, const char *path, const char *headers, guint status)
{
  g_autofree char *response = test_request (&page->server, "GET", path, headers, NULL);
  if (test_get_status (response) != status)
    g_error ("%s: not %u, but %s", path, status, response);
  g_assert_null (strstr (response, "the secret"));
  return g_steal_pointer (&response);
}

static void
test_files (void)
{
  Page page;
  page_start (&page);
  g_autofree char *index = get (&page, "/?room=a%20b", NULL, 200);
  g_autofree char *script = get (&page, "/app.js", "Range: bytes=0-1,2-3\r\n", 200);
  g_autofree char *side = get (&page, "/panels/side.js", NULL, 200);
  g_autofree char *type = test_get_header (index, "Content-Type");
  g_autofree char *policy = test_get_header (index, "Content-Security-Policy");
  g_autofree char *script_type = test_get_header (script, "Content-Type");
  g_autofree char *etag = test_get_header (script, "ETag");
  g_autofree char *cache = test_get_header (script, "Cache-Control");
  g_autofree char *known = g_strdup_printf ("If-None-Match: %s\r\n", etag);

  g_assert_true (g_str_has_suffix (index, "<title>Mixroom</title>"));
  g_assert_cmpstr (type, ==, "text/html; charset=utf-8");
  g_assert_nonnull (strstr (policy, "default-src 'self'"));
  g_assert_null (strstr (policy, "unsafe"));
  g_assert_cmpstr (script_type, ==, "text/javascript; charset=utf-8");
  g_assert_true (g_str_has_suffix (script, "\r\n\r\n0123456789"));
  g_assert_cmpstr (cache, ==, "no-cache");
  g_assert_true (g_str_has_suffix (side, "side"));
  g_autofree char *not_modified = get (&page, "/app.js", known, 304);
  g_assert_true (g_str_has_suffix (not_modified, "\r\n\r\n"));

  write_file (page.root, "app.js", "changed");
  g_autofree char *changed = get (&page, "/app.js", known, 200);
  g_assert_true (g_str_has_suffix (changed, "changed"));
  g_autofree char *head = test_request (&page.server, "HEAD", "/app.js", NULL, NULL);
  g_assert_nonnull (strstr (head, "Content-Length: 7\r\n"));
  g_assert_true (g_str_has_suffix (head, "\r\n\r\n"));
  g_autofree char *put = test_request (&page.server, "PUT", "/app.js", NULL, "x");
  g_assert_cmpuint (test_get_status (put), ==, 405);
  page_stop (&page);
}

static void
test_traversal (void)
{
  static const char *const paths[] = {
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/panels/../../secret.txt",
    "/panels/%2e%2e/%2e%2e/secret.txt",
    "/..%5csecret.txt",
    "/link.txt",
    "/up/secret.txt",
    "/up/web/app.js",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/.hidden",
    "/panels/.%2e/.hidden",
    "/panels",
    "/panels/",
    "/app.js/",
    "/app.js%00.html",
    "/app.js%20",
    "/%c0%ae%c0%ae/secret.txt",
  };
  Page page;
  page_start (&page);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree char *response = test_request (&page.server, "GET", paths[i], NULL, NULL);
    guint status = test_get_status (response);
    if ((status != 404 && status != 400) || strstr (response, "the secret") != NULL)
      g_error ("%s: %s", paths[i], response);
  }
  page_stop (&page);
}

static void
test_no_page (void)
{
  TestServer test;
  test_server_start (&test, "server.web_root=/nonexistent", NULL);
  g_autofree char *response = test_request (&test, "GET", "/", NULL, NULL);
  g_assert_cmpuint (test_get_status (response), ==, 404);
  test_server_stop (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/static/files", test_files);
  g_test_add_func ("/static/traversal", test_traversal);
  g_test_add_func ("/static/no-page", test_no_page);
  return g_test_run ();
}
