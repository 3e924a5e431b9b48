/* The control half of a client: what it asks of the server, what it tells its caller. */

#include "client-private.h"

#include <string.h>

/* ---- Between the halves --------------------------------------------------------------------------------------- */

static MxrClient *
ref (MxrClient *client)
{
  g_atomic_ref_count_inc (&client->refs);
  return client;
}

/* Of the last references one is always main's, so the checks are freed there. */
void
mxr_client_unref (MxrClient *client)
{
  if (!g_atomic_ref_count_dec (&client->refs))
    return;
  g_clear_pointer (&client->sound_check, mxr_sound_check_free);
  g_clear_pointer (&client->picture_check, mxr_picture_check_free);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++)
    g_clear_pointer (&client->plan.clips[i], mxr_clip_unref);
  g_free (client->location);
  g_free (client);
}

typedef struct {
  MxrClient *client;
  void (*to_control) (MxrClient *client, char *text);
  char *text;
  void (*to_net) (MxrClient *client, gpointer data);
  MxrSdpOffer *answer;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;
  mxr_client_unref (call->client);
  g_clear_pointer (&call->answer, mxr_sdp_offer_unref);
  g_free (call->text);
  g_free (call);
}

static void
make_call (gpointer data)
{
  Call *call = data;
  if (call->to_control != NULL)
    call->to_control (call->client, call->text);
  else
    call->to_net (call->client, call->answer);
}

void
mxr_client_post_control (MxrClient *client, void (*func) (MxrClient *client, char *text), char *text)
{
  Call *call = g_new0 (Call, 1);
  call->client = ref (client);
  call->to_control = func;
  call->text = text;
  mxr_mailbox_post (client->env->control, make_call, call, call_free);
}

static void
post_net (MxrClient *client, void (*func) (MxrClient *client, gpointer data), MxrSdpOffer *answer)
{
  Call *call = g_new0 (Call, 1);
  call->client = ref (client);
  call->to_net = func;
  call->answer = answer;
  mxr_mailbox_post (mxr_net_thread_get_mailbox (client->thread->thread), make_call, call, call_free);
}

/* ---- Joining -------------------------------------------------------------------------------------------------- */

static void
fail (MxrClient *client, const GError *error)
{
  const bool was_connected = client->is_connected;

  if (client->is_failed || client->is_leaving)
    return;
  client->is_failed = true;
  client->events->on_failed (client, was_connected, error, client->user_data);
}

void
mxr_client_on_failed (MxrClient *client, char *reason)
{
  g_autoptr (GError) error = g_error_new_literal (MXR_TRANSPORT_ERROR, MXR_TRANSPORT_ERROR_FAILED, reason);
  fail (client, error);
}

void
mxr_client_on_connected (MxrClient *client, char *unused)
{
  client->is_connected = true;
  if (!client->is_failed && !client->is_leaving)
    client->events->on_connected (client, client->user_data);
}

/* Both halves have come to their end, or wait for the other. */
static void
go_when_done (MxrClient *client)
{
  if (!client->is_leaving || !client->is_closed || client->is_asking)
    return;
  client->events->on_gone (client, client->user_data);
  mxr_client_unref (client);
}

void
mxr_client_on_closed (MxrClient *client, char *unused)
{
  client->is_closed = true;
  go_when_done (client);
}

static void
take_answer (MxrClient *client, const char *answer)
{
  g_autoptr (GError) error = NULL;
  MxrSdpOffer *parsed = mxr_sdp_offer_parse (answer, -1, &error);

  if (parsed != NULL) {
    post_net (client, mxr_client_start, parsed);
    return;
  }
  g_prefix_error (&error, "the answer: ");
  fail (client, error);
}

static void
on_joined (const MxrWhipReply *reply, const GError *error, gpointer user_data)
{
  MxrClient *client = user_data;

  client->is_asking = false;
  if (error != NULL)
    fail (client, error);
  else if (client->is_leaving)
    mxr_whip_leave (client->env->whip, reply->location, false, NULL, NULL);
  else
    client->location = g_strdup (reply->location);
  client->sent_us = reply->sent_us;
  if (client->location != NULL)
    take_answer (client, reply->answer);
  go_when_done (client);
}

void
mxr_client_on_offer (MxrClient *client, char *offer)
{
  const MxrClientPlan *plan = &client->plan;

  if (client->is_leaving)
    return;
  g_autofree char *room = g_uri_escape_string (plan->room->name, NULL, FALSE);
  g_autofree char *path =
    g_strdup_printf ("/%s/%s?name=%s%u", plan->part.is_viewer ? "whep" : "whip", room, plan->part.is_viewer ? "viewer" : "load",
                     plan->number);
  client->is_asking = true;
  mxr_whip_join (client->env->whip, path, offer, on_joined, client);
}

/* ---- Life ----------------------------------------------------------------------------------------------------- */

static bool
add_checks (MxrClient *client, GError **error)
{
  const MxrClientPlan *plan = &client->plan;
  const MxrSoundCheckConfig config = {
    .n_tones = plan->n_tones,
    .n_others = plan->part.n_others,
    .own_tone = plan->own_tone,
    .clicks = plan->hears_clicks ? &plan->room->clicks : NULL,
    .self = client,
  };

  if (plan->part.listens && (client->sound_check = mxr_sound_check_new (&config, error)) == NULL)
    return false;
  if (!plan->part.looks)
    return true;
  client->picture_check = mxr_picture_check_new (client->env->codec, &plan->room->flashes, error);
  return client->picture_check != NULL;
}

MxrClient *
mxr_client_new (const MxrClientEnv *env, const MxrClientPlan *plan, const MxrClientEvents *events, gpointer user_data,
                GError **error)
{
  MxrClient *client = g_new0 (MxrClient, 1);

  g_atomic_ref_count_init (&client->refs);
  client->env = env;
  client->plan = *plan;
  client->events = events;
  client->user_data = user_data;
  g_snprintf (client->cname, sizeof client->cname, "load%u", plan->number);
  for (guint i = 0; i < MXR_LOAD_N_KINDS; i++) {
    if (plan->clips[i] != NULL)
      mxr_clip_ref (plan->clips[i]);
    client->media[i].client = client;
    client->media[i].kind = (MxrRtpKind) i;
  }
  if (!add_checks (client, error)) {
    mxr_client_unref (client);
    return NULL;
  }
  client->thread = mxr_crew_pick (env->crew);
  post_net (client, mxr_client_open, NULL);
  return client;
}

static void
on_left (const MxrWhipReply *reply, const GError *error, gpointer user_data)
{
  MxrClient *client = user_data;

  client->is_asking = false;
  post_net (client, mxr_client_close, NULL);
}

/* The connection is kept until the answer, or the server could see its end first and know nobody of that name any more. */
void
mxr_client_leave (MxrClient *client)
{
  client->is_leaving = true;
  if (client->location == NULL) {
    post_net (client, mxr_client_close, NULL);
    return;
  }
  client->is_asking = true;
  mxr_whip_leave (client->env->whip, client->location, client->is_failed, on_left, client);
}

bool
mxr_client_is_leaving (const MxrClient *client)
{
  return client->is_leaving;
}

const MxrClientPlan *
mxr_client_get_plan (const MxrClient *client)
{
  return &client->plan;
}
