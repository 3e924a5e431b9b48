/* The WebSocket's messages: whatever the text, the parser gives a message or an error, and never both. */
#include "../../src/signal/message.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *id = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (MxrMessage) message = mxr_message_parse ((const char *)data, size, &id, &error);

  g_assert_true ((message == NULL) == (error != NULL));
  if (message == NULL)
    g_assert_nonnull (mxr_message_error_get_code (error));
  else
    g_assert_true (mxr_json_check ((const char *)data, size, NULL));
  return 0;
}
